package main

import (
	"sort"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func bucketNames(listed *cos.ServiceGetResult) []string {
	return each(listed.Buckets, func(entry cos.Bucket) string { return entry.Name })
}

func buckets() {
	bucket := newBucket("buckets")
	refused(409, "BucketAlreadyOwnedByYou", "the same bucket again")(bucket.Bucket.Put(ctx, nil))
	same(done(bucket.Bucket.Head(ctx)).Header.Get("x-cos-bucket-region"), region, "Head")
	same(done(bucket.Bucket.IsExist(ctx)), true, "IsExist")
	same(done(bucketOf("nowhere", owned()).Bucket.IsExist(ctx)), false, "IsExist of no bucket")
	same(got(bucket.Bucket.GetLocation(ctx)).Location, region, "GetLocation")
	done(bucketOf("labelled", owned()).Bucket.Put(ctx, &cos.BucketPutOptions{XCosTagging: "team=one"}))
	listingBuckets(bucket)

	bucket.put("in the way", "x")
	refused(409, "BucketNotEmpty", "Delete of a bucket with an object")(bucket.Bucket.Delete(ctx))
	done(bucket.Object.Delete(ctx, "in the way"))
	done(bucket.Bucket.Delete(ctx))
	refused(404, noBody, "Head of a bucket that is gone")(bucket.Bucket.Head(ctx))
	refused(404, "NoSuchBucket", "Get of a bucket that is gone")(bucket.Bucket.Get(ctx, nil))
}

func listingBuckets(bucket bucket) {
	listed := got(bucket.Service.Get(ctx, &cos.ServiceGetOptions{TagKey: "team", TagValue: "one"}))
	same(bucketNames(listed), []string{nameOf("labelled")}, "the buckets with a tag")
	same(listed.Buckets[0].Region, region, "the region of a bucket")
	same(listed.Owner.ID, owner, "the owner of the buckets")
	_, err := time.Parse(time.RFC3339, listed.Buckets[0].CreationDate)
	check(err == nil, "the date of a bucket: %v", err)
	earlier := &cos.ServiceGetOptions{CreateTime: time.Now().Unix() - 3600, Range: "lt"}
	same(len(got(bucket.Service.Get(ctx, earlier)).Buckets), 0, "buckets older than an hour")
	elsewhere := &cos.ServiceGetOptions{Region: "ap-beijing"}
	same(len(got(bucket.Service.Get(ctx, elsewhere)).Buckets), 0, "buckets of another region")
	var names []string
	for page := (&cos.ServiceGetResult{IsTruncated: true}); page.IsTruncated; {
		page = got(bucket.Service.Get(ctx, &cos.ServiceGetOptions{MaxKeys: 1, Marker: page.NextMarker}))
		names = append(names, bucketNames(page)...)
	}
	check(sort.StringsAreSorted(names), "the order of the buckets: %v", names)
	same(names, bucketNames(got(bucket.Service.Get(ctx))), "the buckets in pages")
	// The service lists the buckets of one region by the host of the region, too.
	regional := clientAt("cos."+region+".myqcloud.com", owned())
	regional.BaseURL.ServiceURL = regional.BaseURL.BucketURL
	same(bucketNames(got(regional.Service.Get(ctx))), names, "the buckets by the host of their region")
}
