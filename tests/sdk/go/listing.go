package main

import (
	"fmt"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func keysOf(page *cos.BucketGetResult) []string {
	return each(page.Contents, func(entry cos.Object) string { return entry.Key })
}

func listing() {
	bucket := newBucket("listing")
	list := func(options cos.BucketGetOptions) *cos.BucketGetResult { return got(bucket.Bucket.Get(ctx, &options)) }
	names := make([]string, 2500)
	for number := range names {
		names[number] = fmt.Sprintf("many/%04d", number)
	}
	inParallel(names, func(name string) { bucket.put(name, "") })
	var keys []string
	var sizes []int
	for page := (&cos.BucketGetResult{IsTruncated: true}); page.IsTruncated; {
		page = list(cos.BucketGetOptions{Marker: page.NextMarker})
		keys = append(keys, keysOf(page)...)
		sizes = append(sizes, len(page.Contents))
	}
	same(sizes, []int{1000, 1000, 500}, "the pages")
	same(keys, names, "the keys of all pages")
	entry := list(cos.BucketGetOptions{MaxKeys: 1}).Contents[0]
	same([]string{entry.ETag, entry.StorageClass, entry.Owner.ID}, []string{etagOf(""), "STANDARD", appID}, "an entry")

	odd := []string{"a <&> \"b\" 'c'.txt", "a b+%25.txt", "a/1", "a/2", "a/sub/3", "b/4", " blank ", "中文/5"}
	for _, key := range odd {
		bucket.put(key, key)
		bucket.holds(key, key, "an odd key")
	}
	top := list(cos.BucketGetOptions{Delimiter: "/"})
	same(top.CommonPrefixes, []string{"a/", "b/", "many/", "中文/"}, "the prefixes")
	same(keysOf(top), []string{" blank ", "a <&> \"b\" 'c'.txt", "a b+%25.txt"}, "the keys beside the prefixes")
	below := list(cos.BucketGetOptions{Prefix: "a/", Delimiter: "/"})
	same(below.CommonPrefixes, []string{"a/sub/"}, "the prefixes below a prefix")
	same(keysOf(below), []string{"a/1", "a/2"}, "the keys below a prefix")
	short := list(cos.BucketGetOptions{Delimiter: "/", MaxKeys: 5})
	rest := list(cos.BucketGetOptions{Delimiter: "/", Marker: short.NextMarker})
	same(short.IsTruncated, true, "a short page")
	same(append(short.CommonPrefixes, rest.CommonPrefixes...), top.CommonPrefixes, "prefixes in pages")
	encoded := list(cos.BucketGetOptions{Prefix: "a b", EncodingType: "url"})
	same(keysOf(encoded), []string{"a%20b%2B%2525.txt"}, "an encoded key")
	same([]string{encoded.EncodingType, encoded.Prefix}, []string{"url", "a%20b"}, "an encoded listing")
	same(len(list(cos.BucketGetOptions{Prefix: "none"}).Contents), 0, "an empty listing")
	deleting(bucket, names, odd)
}

func objectsOf(keys []string) []cos.Object {
	return each(keys, func(key string) cos.Object { return cos.Object{Key: key} })
}

func deleting(bucket bucket, names, odd []string) {
	remove := func(quiet bool, keys ...string) (*cos.ObjectDeleteMultiResult, *cos.Response, error) {
		return bucket.Object.DeleteMulti(ctx, &cos.ObjectDeleteMultiOptions{Quiet: quiet, Objects: objectsOf(keys)})
	}
	removed := got(remove(false, append(names[:999:999], "absent")...))
	same(len(removed.DeletedObjects), 1000, "DeleteMulti")
	same(len(removed.Errors), 0, "the errors of DeleteMulti")
	same(len(got(remove(true, odd...)).DeletedObjects), 0, "a quiet deletion")
	same(keysOf(got(bucket.Bucket.Get(ctx, nil)))[0], names[999], "what is left")
	refused(400, "MalformedXML", "more than a thousand at once")(remove(true, names...))
	done(bucket.Object.Delete(ctx, names[999]))
	same(done(bucket.Object.IsExist(ctx, names[999])), false, "Delete")
	done(bucket.Object.Delete(ctx, "absent"))
}
