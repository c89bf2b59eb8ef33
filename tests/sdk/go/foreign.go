package main

import (
	"net/url"

	"github.com/tencentyun/cos-go-sdk-v5"
)

// notEmulated is what the SDK offers of other services, and what the emulator leaves out; it says so.
func notEmulated() {
	bucket := newBucket("foreign")
	bucket.put("key.jpg", "x")
	bucket.BaseURL.BatchURL = done(url.Parse("http://100000000001.cos-control." + region + ".myqcloud.com"))
	bucket.BaseURL.FetchURL = done(url.Parse("http://" + region + ".migration.myqcloud.com"))
	bucket.BaseURL.MetaInsightURL = done(url.Parse("http://" + appID + ".ci." + region + ".myqcloud.com"))
	bucket.BaseURL.CIURL = done(url.Parse("http://" + bucket.name + ".ci." + region + ".myqcloud.com"))
	left := func(what string) func(results ...any) { return refused(501, "NotImplemented", what) }
	left("Batch.ListJobs")(bucket.Batch.ListJobs(ctx, nil, &cos.BatchRequestHeaders{XCosAppid: 1250000000}))
	task := &cos.PutFetchTaskOptions{Url: "http://one.example/file", Key: "key"}
	left("PutFetchTask")(bucket.Object.PutFetchTask(ctx, bucket.name, task))
	left("GetFetchTask")(bucket.Object.GetFetchTask(ctx, bucket.name, "task"))
	left("CI.DescribeMediaProcessQueues")(bucket.CI.DescribeMediaProcessQueues(ctx, nil))
	left("Get with ci-process")(bucket.Object.Get(ctx, "key.jpg", &cos.ObjectGetOptions{CiProcess: "snapshot"}))
	left("CI.ImageProcess")(bucket.CI.ImageProcess(ctx, "key.jpg", &cos.ImageProcessOptions{IsPicInfo: 1}))
	left("MetaInsight.DescribeDatasets")(bucket.MetaInsight.DescribeDatasets(ctx, &cos.DescribeDatasetsOptions{}))
	bucket.BaseURL.VectorURL = done(cos.NewVectorURL(region, false))
	_, answer, err := bucket.Vector.ListVectorBuckets(ctx, nil)
	check(err != nil && answer.StatusCode == 501, "Vector.ListVectorBuckets: %v", err)
	query := &cos.ObjectSelectOptions{Expression: "Select * from COSObject", ExpressionType: "SQL"}
	_, err = bucket.Object.Select(ctx, "key.jpg", query)
	left("Select")(err)
	for what, kind := range map[string]cos.CreateBucketConfiguration{
		"a bucket in several zones":                {BucketAZConfig: "MAZ"},
		"a bucket of metadata acceleration":        {BucketArchConfig: "OFS"},
		"a bucket with a storage class of its own": {BucketStorageClass: "STANDARD_IA"},
	} {
		left(what)(bucketOf("kind", owned()).Bucket.Put(ctx, &cos.BucketPutOptions{CreateBucketConfiguration: &kind}))
	}
}
