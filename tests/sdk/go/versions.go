package main

import (
	"fmt"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func versions() {
	bucket := newBucket("versions")
	same(got(bucket.Bucket.GetVersioning(ctx)).Status, "", "versioning that was never set")
	bucket.put("key", "zero")
	done(bucket.Bucket.PutVersioning(ctx, &cos.BucketPutVersionOptions{Status: "Enabled"}))
	same(got(bucket.Bucket.GetVersioning(ctx)).Status, "Enabled", "versioning")
	one := bucket.put("key", "one").Get("x-cos-version-id")
	two := bucket.put("key", "two").Get("x-cos-version-id")
	check(one != two && one != "" && two != "", "each version has an id: %q %q", one, two)
	bucket.holds("key", "two", "the latest version")
	same(bucket.read("key", one), "one", "an old version")
	same(bucket.read("key", "null"), "zero", "the version of before")
	headed := done(bucket.Object.Head(ctx, "key", nil, one))
	same(headed.Header.Get("x-cos-version-id"), one, "Head of a version")
	done(bucket.Object.Download(ctx, "key", path("version"), nil, one))
	fileHolds(path("version"), "one", "Download of a version")
	markers(bucket, one, two)
	inVersion(bucket, one)
	deletedVersions(bucket, one, two)
}

func markers(bucket bucket, one, two string) {
	deleted := done(bucket.Object.Delete(ctx, "key")).Header
	same(deleted.Get("x-cos-delete-marker"), "true", "Delete makes a marker")
	refused(404, "NoSuchKey", "Get of a deleted key")(bucket.Object.Get(ctx, "key", nil))
	refused(404, noBody, "Head of a deleted key")(bucket.Object.Head(ctx, "key", nil))
	listed := got(bucket.Bucket.GetObjectVersions(ctx, nil))
	described := each(listed.Version, func(entry cos.ListVersionsResultVersion) string {
		return fmt.Sprint(entry.Key, " ", entry.VersionId, " ", entry.IsLatest, " ", entry.Size)
	})
	same(described, []string{"key " + two + " false 3", "key " + one + " false 3", "key null false 4"}, "GetObjectVersions")
	same(len(listed.DeleteMarker), 1, "the delete markers")
	marker := listed.DeleteMarker[0]
	same(marker.VersionId, deleted.Get("x-cos-version-id"), "the id of the marker")
	same(marker.Key+fmt.Sprint(marker.IsLatest), "keytrue", "the delete marker")
	same(len(got(bucket.Bucket.Get(ctx, nil)).Contents), 0, "Get leaves deleted keys out")
	// The SDK spells this parameter `VersionId`.
	done(bucket.Object.Delete(ctx, "key", &cos.ObjectDeleteOptions{VersionId: marker.VersionId}))
	bucket.holds("key", "two", "the key without its marker")
}

func inVersion(bucket bucket, one string) {
	got(bucket.Object.Copy(ctx, "copy", bucket.source("key"), nil, one))
	bucket.holds("copy", "one", "a copy of a version")
	got(bucket.Object.MultiCopy(ctx, "copy", bucket.source("key")+"?versionId="+one, nil))
	bucket.holds("copy", "one", "MultiCopy of a version")
	upload := got(bucket.Object.InitiateMultipartUpload(ctx, "copy", nil)).UploadID
	part := got(bucket.Object.CopyPart(ctx, "copy", upload, 1, bucket.source("key"), nil, one))
	same(part.ETag, etagOf("one"), "CopyPart of a version")
	done(bucket.Object.AbortMultipartUpload(ctx, "copy", upload))

	tags := []cos.ObjectTaggingTag{{Key: "a", Value: "b"}}
	done(bucket.Object.PutTagging(ctx, "key", &cos.ObjectPutTaggingOptions{TagSet: tags}, one))
	same(got(bucket.Object.GetTagging(ctx, "key", one)).TagSet, tags, "the tags of a version")
	same(len(got(bucket.Object.GetTagging(ctx, "key")).TagSet), 0, "the tags of another version")
	done(bucket.Object.DeleteTagging(ctx, "key", one))
	same(len(got(bucket.Object.GetTagging(ctx, "key", one)).TagSet), 0, "the deleted tags of a version")
	public := &cos.ObjectPutACLOptions{Header: &cos.ACLHeaderOptions{XCosACL: "public-read"}}
	done(bucket.Object.PutACL(ctx, "key", public, one))
	stranger := bucketOf("versions", anonymous())
	same(stranger.read("key", one), "one", "an open version")
	refused(403, "AccessDenied", "another version than the open one")(stranger.Object.Get(ctx, "key", nil))
}

func deletedVersions(bucket bucket, one, two string) {
	objects := []cos.Object{{Key: "key", VersionId: two}, {Key: "key", VersionId: "null"}}
	removed := got(bucket.Object.DeleteMulti(ctx, &cos.ObjectDeleteMultiOptions{Objects: objects}))
	same(removed.DeletedObjects, objects, "DeleteMulti of versions")
	bucket.holds("key", "one", "the version that is left")
	refused(404, "NoSuchVersion", "a deleted version")(bucket.Object.Get(ctx, "key", nil, two))
	done(bucket.Bucket.PutVersioning(ctx, &cos.BucketPutVersionOptions{Status: "Suspended"}))
	same(got(bucket.Bucket.GetVersioning(ctx)).Status, "Suspended", "suspended versioning")
	first := got(bucket.Bucket.GetObjectVersions(ctx, &cos.BucketGetObjectVersionsOptions{MaxKeys: 2}))
	same(fmt.Sprint(first.IsTruncated, len(first.Version)), "true 2", "the first page of versions")
	rest := got(bucket.Bucket.GetObjectVersions(ctx, &cos.BucketGetObjectVersionsOptions{
		KeyMarker:       first.NextKeyMarker,
		VersionIdMarker: first.NextVersionIdMarker,
	}))
	same(len(rest.Version), 1, "the next page of versions")
	same(rest.Version[0].Key+" "+rest.Version[0].VersionId, "key "+one, "the last version")
	prefixed := got(bucket.Bucket.GetObjectVersions(ctx, &cos.BucketGetObjectVersionsOptions{Prefix: "co", Delimiter: "p"}))
	same(prefixed.CommonPrefixes, []string{"cop"}, "the prefixes of versions")
}
