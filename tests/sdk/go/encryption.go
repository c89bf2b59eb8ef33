package main

import (
	"encoding/base64"
	"strings"

	"github.com/tencentyun/cos-go-sdk-v5"
	coscrypto "github.com/tencentyun/cos-go-sdk-v5/crypto"
)

// customerKey is a key of SSE-C in the form of its headers.
type customerKey struct{ key, md5 string }

func keyOf(secret string) customerKey {
	return customerKey{base64.StdEncoding.EncodeToString([]byte(secret)), md5Of(secret)}
}

func (k customerKey) put() cos.ObjectPutHeaderOptions {
	return cos.ObjectPutHeaderOptions{
		XCosSSECustomerAglo: "AES256", XCosSSECustomerKey: k.key, XCosSSECustomerKeyMD5: k.md5,
	}
}

func (k customerKey) get() *cos.ObjectGetOptions {
	return &cos.ObjectGetOptions{
		XCosSSECustomerAglo: "AES256", XCosSSECustomerKey: k.key, XCosSSECustomerKeyMD5: k.md5,
	}
}

// to re-encrypts what this key opens.
func (k customerKey) to(other customerKey) *cos.ObjectCopyOptions {
	return copying(cos.ObjectCopyHeaderOptions{
		XCosCopySourceSSECustomerAglo: "AES256", XCosCopySourceSSECustomerKey: k.key, XCosCopySourceSSECustomerKeyMD5: k.md5,
		XCosSSECustomerAglo: "AES256", XCosSSECustomerKey: other.key, XCosSSECustomerKeyMD5: other.md5,
	})
}

func encrypted() {
	bucket := newBucket("encrypted")
	managed := bucket.put("managed", "x", by(cos.ObjectPutHeaderOptions{XCosServerSideEncryption: "AES256"}))
	same(managed.Get("x-cos-server-side-encryption"), "AES256", "SSE-COS")
	same(bucket.head("managed").Get("x-cos-server-side-encryption"), "AES256", "SSE-COS of Head")
	kms := bucket.put("kms", "x", by(cos.ObjectPutHeaderOptions{
		XCosServerSideEncryption: "cos/kms",
		XOptionHeader:            header("x-cos-server-side-encryption-cos-kms-key-id", "own-key"),
	}))
	same(kms.Get("x-cos-server-side-encryption-cos-kms-key-id"), "own-key", "SSE-KMS")

	own, other := keyOf("0123456789abcdef0123456789abcdef"), keyOf("fedcba9876543210fedcba9876543210")
	stored := bucket.put("own", "secret", by(own.put()))
	same(stored.Get("x-cos-server-side-encryption-customer-algorithm"), "AES256", "SSE-C")
	same(contentOf(bucket.Object.Get(ctx, "own", own.get())), "secret", "SSE-C with its key")
	head := &cos.ObjectHeadOptions{XCosSSECustomerAglo: "AES256", XCosSSECustomerKey: own.key, XCosSSECustomerKeyMD5: own.md5}
	same(done(bucket.Object.Head(ctx, "own", head)).Header.Get("Content-Length"), "6", "Head with its key")
	refused(400, "SsecDecryptHeaderInvalid", "SSE-C without a key")(bucket.Object.Get(ctx, "own", nil))
	refused(403, "AccessDenied", "SSE-C with another key")(bucket.Object.Get(ctx, "own", other.get()))
	got(bucket.Object.Copy(ctx, "copy", bucket.source("own"), own.to(other)))
	same(contentOf(bucket.Object.Get(ctx, "copy", other.get())), "secret", "a copy under another key")

	content := bytesOf(2*mib + 1)
	options := &cos.MultiUploadOptions{PartSize: 1, OptIni: initiation(own.put())}
	got(bucket.Object.Upload(ctx, "parts", fileOf(len(content)), options))
	done(bucket.Object.Download(ctx, "parts", path("decrypted"), &cos.MultiDownloadOptions{PartSize: 1, Opt: own.get()}))
	fileHolds(path("decrypted"), content, "SSE-C in parts")
	upload := got(bucket.Object.InitiateMultipartUpload(ctx, "moved", nil)).UploadID
	part := got(bucket.Object.CopyPart(ctx, "moved", upload, 1, bucket.source("parts"), &cos.ObjectCopyPartOptions{
		XCosCopySourceSSECustomerAglo: "AES256", XCosCopySourceSSECustomerKey: own.key, XCosCopySourceSSECustomerKeyMD5: own.md5,
	}))
	whole := &cos.CompleteMultipartUploadOptions{Parts: []cos.Object{{PartNumber: 1, ETag: part.ETag}}}
	got(bucket.Object.CompleteMultipartUpload(ctx, "moved", upload, whole))
	bucket.holds("moved", content, "a copied part of what is encrypted")
}

// wrapping stands for a key management service, which is none of the emulator's: it wraps keys by turning them around.
type wrapping struct{}

func (wrapping) turned(key []byte) ([]byte, error) {
	turned := make([]byte, len(key))
	for at, value := range key {
		turned[len(key)-1-at] = ^value
	}
	return turned, nil
}

func (w wrapping) Encrypt(key []byte) ([]byte, error) { return w.turned(key) }
func (w wrapping) Decrypt(key []byte) ([]byte, error) { return w.turned(key) }
func (wrapping) GetWrapAlgorithm() string             { return "own" }
func (wrapping) GetMatDesc() string                   { return `{"own":"key"}` }

func encryptedByTheClient() {
	bucket := newBucket("sealed")
	sealed := coscrypto.NewCryptoClient(bucket.Client, wrapping{})
	content := bytesOf(5 * mib / 2)
	done(sealed.Object.Put(ctx, "key", strings.NewReader(content), nil))
	check(bucket.read("key") != content, "the bucket holds no plain text")
	same(len(bucket.read("key")), len(content), "the size of what is sealed")
	check(contentOf(sealed.Object.Get(ctx, "key", nil)) == content, "an object that the client encrypts")
	ranged := &cos.ObjectGetOptions{Range: "bytes=5-3000"}
	check(contentOf(sealed.Object.Get(ctx, "key", ranged)) == content[5:3001], "a range of what the client encrypts")
	done(sealed.Object.PutFromFile(ctx, "file", fileOf(len(content)), nil))
	done(sealed.Object.GetToFile(ctx, "file", path("unsealed"), nil))
	fileHolds(path("unsealed"), content, "a file that the client encrypts")

	parts := &coscrypto.CryptoContext{DataSize: int64(len(content)), PartSize: mib}
	upload := got(sealed.Object.InitiateMultipartUpload(ctx, "parts", nil, parts)).UploadID
	var whole cos.CompleteMultipartUploadOptions
	for at := 0; at < len(content); at += mib {
		number := at/mib + 1
		part := strings.NewReader(content[at:min(at+mib, len(content))])
		sent := done(sealed.Object.UploadPart(ctx, "parts", upload, number, part, nil, parts))
		whole.Parts = append(whole.Parts, cos.Object{PartNumber: number, ETag: sent.Header.Get("ETag")})
	}
	got(sealed.Object.CompleteMultipartUpload(ctx, "parts", upload, &whole))
	check(contentOf(sealed.Object.Get(ctx, "parts", nil)) == content, "parts that the client encrypts")
}
