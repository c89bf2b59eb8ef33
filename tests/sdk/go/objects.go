package main

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func md5Of(content string) string {
	sum := md5.Sum([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func onePiece() {
	bucket := newBucket("piece")
	content := bytesOf(100000)
	key := "folder/文件 one+two&three%.txt"
	given := cos.ObjectPutHeaderOptions{
		CacheControl:       "max-age=7200",
		ContentDisposition: `attachment; filename="a.txt"`,
		ContentEncoding:    "identity",
		ContentLanguage:    "zh-CN",
		ContentType:        "text/x-own",
		Expires:            "Thu, 01 Jan 2037 00:00:00 GMT",
		ContentMD5:         md5Of(content),
		XCosMetaXXX:        header("x-cos-meta-colour", "blue"),
		XCosTrafficLimit:   819200 * 100,
	}
	stored := bucket.put(key, content, by(given))
	same(stored.Get("ETag"), etagOf(content), "the ETag of Put")
	head := bucket.head(key)
	for name, value := range map[string]string{
		"ETag":                 etagOf(content),
		"Content-Length":       "100000",
		"Cache-Control":        given.CacheControl,
		"Content-Disposition":  given.ContentDisposition,
		"Content-Encoding":     given.ContentEncoding,
		"Content-Language":     given.ContentLanguage,
		"Content-Type":         given.ContentType,
		"Expires":              given.Expires,
		"x-cos-meta-colour":    "blue",
		"x-cos-storage-class":  "",
		"x-cos-hash-crc64ecma": stored.Get("x-cos-hash-crc64ecma"),
	} {
		same(head.Get(name), value, "Head: "+name)
	}
	bucket.holds(key, content, "Put")
	same(done(bucket.Object.IsExist(ctx, key)), true, "IsExist")
	same(done(bucket.Object.IsExist(ctx, "none")), false, "IsExist of nothing")
	send("GET", bucket.Object.GetObjectURL(key).String(), "", nil).refused(403, "AccessDenied", "GetObjectURL is not signed")
	reading(bucket, key, content)
	otherUploads(bucket)
}

func reading(bucket bucket, key, content string) {
	get := func(options cos.ObjectGetOptions) (*cos.Response, error) {
		return bucket.Object.Get(ctx, key, &options)
	}
	done(bucket.Object.GetToFile(ctx, key, path("output"), nil))
	fileHolds(path("output"), content, "GetToFile")
	part := done(get(cos.ObjectGetOptions{Range: "bytes=10-19"}))
	same(part.StatusCode, 206, "the status of a range")
	same(part.Header.Get("Content-Range"), "bytes 10-19/100000", "a range")
	same(contentOf(part, nil), content[10:20], "the content of a range")
	same(contentOf(get(cos.ObjectGetOptions{Range: "bytes=-5"})), content[len(content)-5:], "the end")
	refused(416, "InvalidRange", "a range beyond the end")(get(cos.ObjectGetOptions{Range: "bytes=200000-"}))
	overridden := done(get(cos.ObjectGetOptions{
		ResponseCacheControl:       "no-store",
		ResponseContentDisposition: "inline",
		ResponseContentEncoding:    "x-none",
		ResponseContentLanguage:    "en",
		ResponseContentType:        "image/x-none",
		ResponseExpires:            "Thu, 01 Jan 2037 00:00:01 GMT",
	}))
	overridden.Body.Close()
	for name, value := range map[string]string{
		"Cache-Control":       "no-store",
		"Content-Disposition": "inline",
		"Content-Encoding":    "x-none",
		"Content-Language":    "en",
		"Content-Type":        "image/x-none",
		"Expires":             "Thu, 01 Jan 2037 00:00:01 GMT",
	} {
		same(overridden.Header.Get(name), value, "an overridden header: "+name)
	}
	conditional := func(pairs ...string) (*cos.Response, error) {
		return get(cos.ObjectGetOptions{XOptionHeader: header(pairs...)})
	}
	same(contentOf(conditional("If-Match", etagOf(content))), content, "If-Match")
	refused(412, "PreconditionFailed", "If-Match of another ETag")(conditional("If-Match", `"other"`))
	// The SDK takes every status but success for an error; this one comes without a document.
	refused(304, noBody, "If-None-Match")(conditional("If-None-Match", etagOf(content)))
	later := time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)
	refused(304, noBody, "If-Modified-Since")(get(cos.ObjectGetOptions{IfModifiedSince: later}))
	unchanged := &cos.ObjectHeadOptions{IfModifiedSince: later}
	refused(304, noBody, "a Head under If-Modified-Since")(bucket.Object.Head(ctx, key, unchanged))
}

func otherUploads(bucket bucket) {
	content := bytesOf(30000)
	done(bucket.Object.PutFromFile(ctx, "file", fileOf(len(content)), nil))
	got(bucket.Object.Upload(ctx, "small", fileOf(len(content)), nil))
	// A reader that says no length is sent in chunks.
	done(bucket.Object.Put(ctx, "chunked", io.MultiReader(strings.NewReader(content)), nil))
	for _, key := range []string{"file", "small", "chunked"} {
		bucket.holds(key, content, "an upload in one piece")
	}
	bucket.put("empty text", "")
	got(bucket.Object.Upload(ctx, "empty file", fileOf(0), nil))
	bucket.holds("empty text", "", "an empty object")
	bucket.holds("empty file", "", "an empty file")
	// A key with every printable sign, as the SDK's own test has it.
	special := "中文→↓←→↖↗↙↘! \"#$%&'()*+,-./0123456789:;<=>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
	bucket.put(special, "special")
	bucket.holds(special, "special", "a key of all signs")
	for _, key := range []string{"a//b", "a/../b", "../b", "a/.", "folder/", "%2F", strings.Repeat("k", 850)} {
		bucket.put(key, key)
		bucket.holds(key, key, "a key that a path would change")
	}
	refused(400, "KeyTooLong", "a key that is too long")(bucket.tryPut(strings.Repeat("k", 851), "x"))
	wrong := by(cos.ObjectPutHeaderOptions{ContentMD5: md5Of("other")})
	refused(400, "BadDigest", "a wrong Content-MD5")(bucket.tryPut("wrong", "x", wrong))
	same(done(bucket.Object.IsExist(ctx, "wrong")), false, "what has a wrong Content-MD5 is not kept")
	once := by(cos.ObjectPutHeaderOptions{XOptionHeader: header("x-cos-forbid-overwrite", "true")})
	refused(409, "FileAlreadyExists", "an upload that may not overwrite")(bucket.tryPut("file", "x", once))
	done(bucket.Object.Delete(ctx, "file"))
	refused(404, "NoSuchKey", "Get of what was deleted")(bucket.Object.Get(ctx, "file", nil))
}

func tags() {
	bucket := newBucket("tags")
	bucket.put("key", "x")
	tagsOf := func(key string) []cos.ObjectTaggingTag { return got(bucket.Object.GetTagging(ctx, key)).TagSet }
	same(len(tagsOf("key")), 0, "the tags of an object without")
	two := []cos.ObjectTaggingTag{{Key: "k1", Value: "v1"}, {Key: "键", Value: "值"}}
	done(bucket.Object.PutTagging(ctx, "key", &cos.ObjectPutTaggingOptions{TagSet: two}))
	same(tagsOf("key"), two, "GetTagging")
	same(bucket.head("key").Get("x-cos-tagging-count"), "2", "the number of tags")
	done(bucket.Object.DeleteTagging(ctx, "key"))
	same(len(tagsOf("key")), 0, "the tags after their deletion")
	bucket.put("tagged", "x", by(cos.ObjectPutHeaderOptions{XOptionHeader: header("x-cos-tagging", "a=b&c=d")}))
	same(tagsOf("tagged"), []cos.ObjectTaggingTag{{Key: "a", Value: "b"}, {Key: "c", Value: "d"}}, "the tags of an upload")
	var many []cos.ObjectTaggingTag
	for number := 0; number < 11; number++ {
		many = append(many, cos.ObjectTaggingTag{Key: fmt.Sprint(number), Value: "x"})
	}
	tooMany := &cos.ObjectPutTaggingOptions{TagSet: many}
	refused(400, "InvalidTag", "too many tags")(bucket.Object.PutTagging(ctx, "key", tooMany))
}

func appended() {
	bucket := newBucket("appended")
	appendAt := func(position int, key, content string) (int, *cos.Response, error) {
		return bucket.Object.Append(ctx, key, position, strings.NewReader(content), nil)
	}
	position := 0
	for _, content := range []string{"one,", "two,", "three"} {
		position = got(appendAt(position, "log", content))
	}
	same(position, 13, "the next position")
	bucket.holds("log", "one,two,three", "Append")
	head := bucket.head("log")
	same(head.Get("x-cos-object-type"), "appendable", "the type of the object")
	same(head.Get("x-cos-next-append-position"), "13", "the next position of Head")
	refused(409, "AppendPositionErr", "a wrong position")(appendAt(3, "log", "x"))
	bucket.put("plain", "x")
	refused(409, "ObjectNotAppendable", "appending to a plain object")(appendAt(1, "plain", "x"))
}

func archived() {
	bucket := newBucket("archived")
	restore := func(key string) (*cos.Response, error) {
		soon := &cos.ObjectRestoreOptions{Days: 2, Tier: &cos.CASJobParameters{Tier: "Expedited"}}
		return bucket.Object.PostRestore(ctx, key, soon)
	}
	bucket.put("cold", "cold", by(cos.ObjectPutHeaderOptions{XCosStorageClass: "ARCHIVE"}))
	same(bucket.head("cold").Get("x-cos-storage-class"), "ARCHIVE", "the storage class")
	refused(403, "InvalidObjectState", "Get from an archive")(bucket.Object.Get(ctx, "cold", nil))
	refused(403, "InvalidObjectState", "Copy from an archive")(bucket.Object.Copy(ctx, "copy", bucket.source("cold"), nil))
	same(done(restore("cold")).StatusCode, 202, "the status of PostRestore")
	refused(409, "RestoreAlreadyInProgress", "PostRestore again")(restore("cold"))
	same(bucket.head("cold").Get("x-cos-restore"), `ongoing-request="true"`, "the restoration")
	listed := got(bucket.Bucket.Get(ctx, nil)).Contents[0]
	same(listed.StorageClass, "ARCHIVE", "the class in a listing")
	bucket.put("warm", "warm", by(cos.ObjectPutHeaderOptions{XCosStorageClass: "STANDARD_IA"}))
	refused(405, "RestoreNonArchiveObject", "PostRestore of what is not archived")(restore("warm"))
	refused(404, "NoSuchKey", "PostRestore of nothing")(restore("none"))
}

func symlinks() {
	bucket := newBucket("symlinks")
	bucket.put("folder/目标", "hello")
	link := &cos.ObjectPutSymlinkOptions{SymlinkTarget: "folder/目标"}
	done(bucket.Object.PutSymlink(ctx, "link", link))
	target := got(bucket.Object.GetSymlink(ctx, "link", nil))
	same(done(cos.DecodeURIComponent(target)), "folder/目标", "GetSymlink")
	bucket.holds("link", "hello", "a symbolic link")
	refused(404, "NoSuchKey", "GetSymlink of nothing")(bucket.Object.GetSymlink(ctx, "none", nil))
	refused(400, "InvalidRequest", "GetSymlink of an object")(bucket.Object.GetSymlink(ctx, "folder/目标", nil))
	once := &cos.ObjectPutSymlinkOptions{SymlinkTarget: "other", XOptionHeader: header("x-cos-forbid-overwrite", "true")}
	refused(409, "FileAlreadyExists", "a link that may not overwrite")(bucket.Object.PutSymlink(ctx, "link", once))
}

func retention() {
	bucket := newBucket("retention")
	refused(404, "NoSuchObjectLockConfiguration", "no object lock")(bucket.Bucket.GetObjectLockConfiguration(ctx))
	for _, rule := range []*cos.ObjectLockRule{nil, {Days: 1}} {
		lock := &cos.BucketPutObjectLockOptions{ObjectLockEnabled: "Enabled", Rule: rule}
		done(bucket.Bucket.PutObjectLockConfiguration(ctx, lock))
		sameXML(got(bucket.Bucket.GetObjectLockConfiguration(ctx)), lock, "GetObjectLockConfiguration")
	}
	bucket.put("kept", "kept")
	until := time.Now().Add(48 * time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
	longer := &cos.ObjectPutRetentionOptions{RetainUntilDate: until, Mode: "COMPLIANCE"}
	done(bucket.Object.PutRetention(ctx, "kept", longer))
	sameXML(got(bucket.Object.GetRetention(ctx, "kept", nil)), longer, "GetRetention")
	refused(409, "ObjectLocked", "deletion of what is locked")(bucket.Object.Delete(ctx, "kept"))
	refused(409, "ObjectLocked", "what is locked is not overwritten")(bucket.tryPut("kept", "x"))
	bucket.holds("kept", "kept", "what is locked")
}
