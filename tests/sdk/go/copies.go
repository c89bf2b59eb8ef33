package main

import (
	"fmt"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func copying(headers cos.ObjectCopyHeaderOptions) *cos.ObjectCopyOptions {
	return &cos.ObjectCopyOptions{ObjectCopyHeaderOptions: &headers}
}

func copies() {
	bucket := newBucket("copies")
	content := bytesOf(5 * mib)
	key := "folder/source 中.bin"
	bucket.put(key, content, by(cos.ObjectPutHeaderOptions{
		ContentType:   "text/x-source",
		XCosMetaXXX:   header("x-cos-meta-a", "b"),
		XOptionHeader: header("x-cos-tagging", "k=v"),
	}))
	source := bucket.source(key)
	copied := got(bucket.Object.Copy(ctx, "copy", source, nil))
	same(copied.ETag, etagOf(content), "the ETag of Copy")
	_, err := time.Parse(time.RFC3339, copied.LastModified)
	check(err == nil, "the time of Copy: %v", err)
	same(copied.CRC64, bucket.head(key).Get("x-cos-hash-crc64ecma"), "the CRC of Copy")
	bucket.holds("copy", content, "Copy")
	described := func(key string) string {
		head := bucket.head(key)
		return fmt.Sprint(head.Get("Content-Type"), " ", head.Get("x-cos-meta-a"), " ", head.Get("x-cos-tagging-count"))
	}
	same(described("copy"), "text/x-source b 1", "what a copy keeps")
	got(bucket.Object.MultiCopy(ctx, "small", source, nil))
	bucket.holds("small", content, "MultiCopy of what is small")
	got(bucket.Object.Copy(ctx, "copy", bucket.source("copy"), copying(cos.ObjectCopyHeaderOptions{
		XCosMetadataDirective: "Replaced",
		XCosTaggingDirective:  "Replaced",
		ContentType:           "text/html",
		XCosMetaXXX:           header("x-cos-meta-a", "c"),
		XCosStorageClass:      "STANDARD_IA",
	})))
	same(described("copy"), "text/html c ", "what a copy replaces")
	same(bucket.head("copy").Get("x-cos-storage-class"), "STANDARD_IA", "the class of a copy")
	refused(404, "NoSuchCopySource", "a copy of nothing")(bucket.Object.Copy(ctx, "x", bucket.source("missing"), nil))
	refused(404, noBody, "MultiCopy of nothing")(bucket.Object.MultiCopy(ctx, "x", bucket.source("missing"), nil))
	other := copying(cos.ObjectCopyHeaderOptions{XCosCopySourceIfMatch: `"other"`})
	refused(412, "PreconditionFailed", "a copy under a condition")(bucket.Object.Copy(ctx, "x", source, other))
	copiedParts(bucket, key, content)
}

func copiedParts(bucket bucket, key, content string) {
	upload := got(bucket.Object.InitiateMultipartUpload(ctx, "mixed", nil)).UploadID
	source := bucket.source(key)
	ranged := &cos.ObjectCopyPartOptions{XCosCopySourceRange: fmt.Sprintf("bytes=7-%d", mib+6)}
	first := got(bucket.Object.CopyPart(ctx, "mixed", upload, 1, source, ranged))
	same(first.ETag, etagOf(content[7:mib+7]), "the ETag of a range of CopyPart")
	second := got(bucket.Object.CopyPart(ctx, "mixed", upload, 2, source, nil))
	same(second.ETag, etagOf(content), "the ETag of CopyPart")
	beyond := &cos.ObjectCopyPartOptions{XCosCopySourceRange: fmt.Sprintf("bytes=0-%d", 9*mib)}
	refused(416, "InvalidRange", "a part beyond its source")(bucket.Object.CopyPart(ctx, "mixed", upload, 3, source, beyond))
	missing := bucket.source("missing")
	refused(404, "NoSuchCopySource", "a part of nothing")(bucket.Object.CopyPart(ctx, "mixed", upload, 3, missing, nil))
	parts := []cos.Object{{PartNumber: 1, ETag: first.ETag}, {PartNumber: 2, ETag: second.ETag}}
	whole := &cos.CompleteMultipartUploadOptions{Parts: parts}
	got(bucket.Object.CompleteMultipartUpload(ctx, "mixed", upload, whole))
	bucket.holds("mixed", content[7:mib+7]+content, "CopyPart")
}
