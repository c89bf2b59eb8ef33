package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func presigned() {
	bucket := newBucket("presigned")
	key := "folder/signed 中+.txt"
	sign := func(method string, options any, signHost ...bool) string {
		return done(bucket.Object.GetPresignedURL3(ctx, method, key, time.Minute, options, signHost...)).String()
	}
	stored := send("PUT", sign("PUT", nil), "signed", nil)
	same(stored.status, 200, "a presigned PUT")
	same(stored.header.Get("ETag"), etagOf("signed"), "the ETag of a presigned PUT")
	same(send("GET", sign("GET", nil), "", nil).body, "signed", "a presigned GET")
	same(send("HEAD", sign("HEAD", nil), "", nil).header.Get("Content-Length"), "6", "a presigned HEAD")
	same(send("GET", sign("GET", nil, false), "", nil).body, "signed", "a presigned GET without the host")
	merged := sign("GET", &cos.PresignedURLOptions{SignMerged: true})
	check(strings.Contains(merged, "?sign="), "a merged signature: %s", merged)
	same(send("GET", merged, "", nil).body, "signed", "a presigned GET with a merged signature")
	slashes := sign("GET", &cos.PresignedURLOptions{EncodeDelimiter: true})
	check(strings.Contains(slashes, "/folder%2Fsigned"), "an encoded delimiter: %s", slashes)
	same(send("GET", slashes, "", nil).body, "signed", "a presigned GET with an encoded delimiter")
	older := done(bucket.Object.GetPresignedURL(ctx, "GET", key, "AKIDcosemu", "cosemu", time.Minute, nil))
	same(send("GET", older.String(), "", nil).body, "signed", "GetPresignedURL")
	second := done(bucket.Object.GetPresignedURL2(ctx, "GET", key, time.Minute, nil))
	same(send("GET", second.String(), "", nil).body, "signed", "GetPresignedURL2")

	attachment := "attachment; filename=a b.txt"
	query := &cos.PresignedURLOptions{Query: &url.Values{"response-content-disposition": {attachment}}}
	same(send("GET", sign("GET", query), "", nil).header.Get("Content-Disposition"), attachment, "a signed parameter")
	withHeader := sign("PUT", &cos.PresignedURLOptions{Header: header("x-cos-meta-a", "b")})
	same(send("PUT", withHeader, "signed", header("x-cos-meta-a", "b")).status, 200, "a signed header")
	changed := send("PUT", withHeader, "x", header("x-cos-meta-a", "c"))
	changed.refused(403, "SignatureDoesNotMatch", "another value of a signed header")
	moved := strings.Replace(sign("GET", nil), "signed", "other", 1)
	send("GET", moved, "", nil).refused(403, "SignatureDoesNotMatch", "a URL of another key")
	send("DELETE", sign("GET", nil), "", nil).refused(403, "SignatureDoesNotMatch", "a URL of another method")
	past := &cos.AuthTime{
		SignStartTime: time.Now().Add(-time.Hour),
		SignEndTime:   time.Now().Add(-time.Minute),
		KeyStartTime:  time.Now().Add(-time.Hour),
		KeyEndTime:    time.Now().Add(-time.Minute),
	}
	expired := send("GET", sign("GET", &cos.PresignedURLOptions{AuthTime: past}), "", nil)
	expired.refused(403, "AccessDenied", "an expired URL")
	check(strings.Contains(expired.body, "Request has expired"), "an expired URL: %s", expired.body)
	presignedParts(bucket)

	own := &cos.PresignedURLOptions{Query: &url.Values{"own": {"中文"}}, Header: header("x-cos-meta-own", "中文")}
	signature := bucket.Object.GetSignature(ctx, "PUT", key, "AKIDcosemu", "cosemu", time.Minute, own)
	address := bucket.Object.GetObjectURL(key).String() + "?" + own.Query.Encode()
	headers := header("Authorization", signature, "x-cos-meta-own", "中文")
	same(send("PUT", address, "again", headers).status, 200, "GetSignature")
	bucket.holds(key, "again", "GetSignature")
	same(send("DELETE", sign("DELETE", nil), "", nil).status, 204, "a presigned DELETE")
	refused(404, "NoSuchKey", "what was deleted by a URL")(bucket.Object.Get(ctx, key, nil))
}

func presignedParts(bucket bucket) {
	upload := got(bucket.Object.InitiateMultipartUpload(ctx, "parts", nil)).UploadID
	part := &cos.PresignedURLOptions{Query: &url.Values{"partNumber": {"1"}, "uploadId": {upload}}}
	address := done(bucket.Object.GetPresignedURL3(ctx, "PUT", "parts", time.Minute, part)).String()
	etag := send("PUT", address, "part", nil).header.Get("ETag")
	same(etag, etagOf("part"), "a presigned part")
	whole := &cos.CompleteMultipartUploadOptions{Parts: []cos.Object{{PartNumber: 1, ETag: etag}}}
	got(bucket.Object.CompleteMultipartUpload(ctx, "parts", upload, whole))
	bucket.holds("parts", "part", "a presigned part")
}

func refusals() {
	bucket := newBucket("refusals")
	key := "secret"
	bucket.put(key, "secret")
	refused(404, "NoSuchKey", "Get of nothing")(bucket.Object.Get(ctx, "none", nil))
	refused(404, noBody, "Head of nothing")(bucket.Object.Head(ctx, "none", nil))
	nowhere := bucketOf("nowhere", owned())
	refused(404, "NoSuchBucket", "Get from no bucket")(nowhere.Object.Get(ctx, key, nil))
	refused(404, "NoSuchBucket", "Put into no bucket")(nowhere.tryPut(key, "x"))
	wrong := bucketOf("refusals", signedBy("AKIDcosemu", "wrong"))
	refused(403, "SignatureDoesNotMatch", "a wrong secret key")(wrong.Object.Get(ctx, key, nil))
	refused(403, "SignatureDoesNotMatch", "an upload with a wrong key")(wrong.tryPut(key, "x"))
	refused(403, noBody, "Head with a wrong key")(wrong.Object.Head(ctx, key, nil))
	unknown := bucketOf("refusals", signedBy("AKIDstranger", "cosemu"))
	refused(403, "InvalidAccessKeyId", "an unknown key id")(unknown.Object.Get(ctx, key, nil))
	stranger := bucketOf("refusals", anonymous())
	refused(403, "AccessDenied", "an anonymous Get")(stranger.Object.Get(ctx, key, nil))
	refused(403, "AccessDenied", "an anonymous Put")(stranger.tryPut(key, "x"))
	refused(403, "AccessDenied", "an anonymous listing")(stranger.Bucket.Get(ctx, nil))
	refused(403, noBody, "an anonymous Head")(stranger.Object.Head(ctx, key, nil))
	refused(403, noBody, "an anonymous Head of the bucket")(stranger.Bucket.Head(ctx))
	bucket.holds(key, "secret", "what was refused to be overwritten")
	bucket.put("open", "open", &cos.ObjectPutOptions{ACLHeaderOptions: &cos.ACLHeaderOptions{XCosACL: "public-read"}})
	same(stranger.read("open"), "open", "an anonymous Get of a public object")
	refused(403, "AccessDenied", "a public object is not written by all")(stranger.tryPut("open", "x"))
}

func otherHosts() {
	bucket := newBucket("hosts")
	bucket.put("key", "content")
	read := func(host string) string { return contentOf(clientAt(host, owned()).Object.Get(ctx, "key", nil)) }
	same(read(bucket.name+".cos."+region+".tencentcos.cn"), "content", "the host tencentcos.cn")
	same(read(bucket.name+".cos-internal."+region+".tencentcos.cn"), "content", "the internal host")
	fast := &cos.BucketPutAccelerateOptions{Status: "Enabled", Type: "COS"}
	done(bucket.Bucket.PutAccelerate(ctx, fast))
	same(read(bucket.name+".cos.accelerate.myqcloud.com"), "content", "the host of acceleration")
	// A domain of one's own names no bucket; the emulator takes its default one.
	demo := defaultBucket()
	demo.put("key", "of the default bucket")
	same(read(emulator.Host), "of the default bucket", "the address of the emulator")
}

// grants are the permissions of an access control list, as `<permission> <id>`.
func grants(list *cos.ACLXml) []string {
	return each(list.AccessControlList, func(grant cos.ACLGrant) string {
		// Everyone has no id but a URI.
		return grant.Permission + " " + grant.Grantee.ID + grant.Grantee.URI
	})
}

func access() {
	bucket := newBucket("access")
	key := "key"
	stranger := bucketOf("access", anonymous())
	bucket.put(key, "content")
	put := func(options cos.ObjectPutACLOptions) (*cos.Response, error) {
		return bucket.Object.PutACL(ctx, key, &options)
	}
	canned := func(name string) *cos.ACLHeaderOptions { return &cos.ACLHeaderOptions{XCosACL: name} }
	full := "FULL_CONTROL " + owner
	same(grants(got(bucket.Object.GetACL(ctx, key))), []string{full}, "the first ACL of an object")
	done(put(cos.ObjectPutACLOptions{Header: canned("public-read")}))
	list, response, err := bucket.Object.GetACL(ctx, key)
	done(response, err)
	same(response.Header.Get("x-cos-acl"), "public-read", "the ACL of a public object by its name")
	same(grants(list), []string{full, "READ " + cos.CAMAllUsers}, "the grants of a public object")
	same(list.Owner.ID, owner, "the owner of an object")
	same(stranger.read(key), "content", "an anonymous Get of a public object")
	for _, name := range []string{"private", "default"} {
		done(put(cos.ObjectPutACLOptions{Header: canned(name)}))
		same(grants(got(bucket.Object.GetACL(ctx, key))), []string{full}, "the ACL "+name)
		refused(403, "AccessDenied", "an anonymous Get of an object that is "+name)(stranger.Object.Get(ctx, key, nil))
	}
	third := strings.ReplaceAll(reader, "2", "3")
	done(put(cos.ObjectPutACLOptions{Header: &cos.ACLHeaderOptions{
		XCosGrantRead:        `id="100000000002"`,
		XCosGrantFullControl: `id="` + third + `"`,
	}}))
	granted := strings.Join(grants(got(bucket.Object.GetACL(ctx, key))), ", ")
	for _, grant := range []string{"READ " + reader, "FULL_CONTROL " + third} {
		check(strings.Contains(granted, grant), "a grant by header: %s in %s", grant, granted)
	}
	// As the SDK's own examples put a list.
	grantTo := func(id, permission string) cos.ACLGrant {
		return cos.ACLGrant{Grantee: &cos.ACLGrantee{Type: "RootAccount", ID: id}, Permission: permission}
	}
	ownerAnd := &cos.ACLXml{
		Owner:             &cos.Owner{ID: owner},
		AccessControlList: []cos.ACLGrant{grantTo(owner, "FULL_CONTROL"), grantTo(reader, "READ")},
	}
	done(put(cos.ObjectPutACLOptions{Body: ownerAnd}))
	same(grants(got(bucket.Object.GetACL(ctx, key))), grants(ownerAnd), "a list of an object")
	bucketAccess(bucket, canned, ownerAnd)
}

func bucketAccess(bucket bucket, canned func(name string) *cos.ACLHeaderOptions, list *cos.ACLXml) {
	put := func(options cos.BucketPutACLOptions) (*cos.Response, error) {
		return bucket.Bucket.PutACL(ctx, &options)
	}
	// The SDK adds this header where an answer lacks it.
	cannedNow := func() string {
		_, response, err := bucket.Bucket.GetACL(ctx)
		return done(response, err).Header.Get("x-cos-acl")
	}
	same(cannedNow(), "private", "the first ACL of a bucket")
	for _, name := range []string{"public-read", "public-read-write", "private"} {
		done(put(cos.BucketPutACLOptions{Header: canned(name)}))
		same(cannedNow(), name, "the ACL of a bucket")
	}
	same(grants(got(bucket.Bucket.GetACL(ctx))), []string{"FULL_CONTROL " + owner}, "the grants of a private bucket")
	done(put(cos.BucketPutACLOptions{Body: list}))
	same(grants(got(bucket.Bucket.GetACL(ctx))), grants(list), "a list of a bucket")
	refused(400, "InvalidArgument", "an unknown ACL")(put(cos.BucketPutACLOptions{Header: canned("public-read-writ")}))
	both := cos.BucketPutACLOptions{Header: canned("private"), Body: list}
	refused(400, "UnexpectedContent", "an ACL by header and by list")(put(both))
	public := bucketOf("public", owned())
	done(public.Bucket.Put(ctx, &cos.BucketPutOptions{XCosACL: "public-read"}))
	public.put("key", "public")
	same(bucketOf("public", anonymous()).read("key"), "public", "an object of a public bucket")
}

// preflight asks as a browser does before a request from elsewhere.
func preflight(bucket bucket, origin string) (*cos.Response, error) {
	return bucket.Object.Options(ctx, "any", &cos.ObjectOptionsOptions{
		Origin:                      origin,
		AccessControlRequestMethod:  http.MethodPut,
		AccessControlRequestHeaders: "x-cos-meta-a",
	})
}
