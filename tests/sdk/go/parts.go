package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/tencentyun/cos-go-sdk-v5"
)

// after is a listener that does something once so many parts are through.
type after struct {
	parts int
	do    func()
}

func (a *after) ProgressChangedCallback(event *cos.ProgressEvent) {
	if event.EventType == cos.ProgressDataEvent && event.ConsumedBytes == int64(a.parts)*mib {
		a.do()
	}
}

func initiation(headers cos.ObjectPutHeaderOptions) *cos.InitiateMultipartUploadOptions {
	return &cos.InitiateMultipartUploadOptions{ObjectPutHeaderOptions: &headers}
}

func inParts() {
	bucket := newBucket("parts")
	content := bytesOf(5*mib + 7)
	var told atomic.Int32
	options := &cos.MultiUploadOptions{PartSize: 1, ThreadPoolSize: 3, OptIni: initiation(cos.ObjectPutHeaderOptions{
		ContentType:   "text/x-parts",
		XCosMetaXXX:   header("x-cos-meta-made", "in parts"),
		XOptionHeader: header("x-cos-tagging", "a=b"),
		Listener:      &after{5, func() { told.Add(1) }},
	})}
	uploaded, response, err := bucket.Object.Upload(ctx, "sliced.bin", fileOf(len(content)), options)
	done(response, err)
	same(uploaded.Bucket+"/"+uploaded.Key, bucket.name+"/sliced.bin", "what Upload made")
	same(uploaded.Location, "http://"+bucket.source("sliced.bin"), "where Upload made it")
	check(strings.HasSuffix(uploaded.ETag, `-6"`) && len(uploaded.ETag) == 36, "the ETag of Upload: %s", uploaded.ETag)
	head := bucket.head("sliced.bin")
	same(head.Get("ETag"), uploaded.ETag, "the ETag of Head")
	same(head.Get("Content-Type"), "text/x-parts", "the type of what is made of parts")
	same(head.Get("x-cos-meta-made"), "in parts", "the metadata of what is made of parts")
	same(head.Get("x-cos-tagging-count"), "1", "the tags of what is made of parts")
	same(response.Header.Get("x-cos-hash-crc64ecma"), head.Get("x-cos-hash-crc64ecma"), "the CRC of the whole")
	bucket.holds("sliced.bin", content, "Upload")

	done(bucket.Object.Download(ctx, "sliced.bin", path("download"), &cos.MultiDownloadOptions{PartSize: 1, ThreadPoolSize: 3}))
	fileHolds(path("download"), content, "Download")
	same(len(bucket.journal("GetObject", "sliced.bin", 206)), 6, "the ranges that Download reads")

	// The SDK reads what it then uploads by a client without signature or proxy, from the default bucket of this address.
	demo := defaultBucket()
	demo.put("go-from-url", content, &cos.ObjectPutOptions{ACLHeaderOptions: &cos.ACLHeaderOptions{XCosACL: "public-read"}})
	from := emulator.String() + "/go-from-url"
	got(bucket.Object.PutFromURL(ctx, "from a URL", from, &cos.ObjectPutFromURLOptions{PartSize: 2}))
	bucket.holds("from a URL", content, "PutFromURL")
	same(len(bucket.journal("UploadPart", "from a URL", 200)), 3, "the parts of PutFromURL")
	done(demo.Object.Delete(ctx, "go-from-url"))
}

func defaultBucket() bucket {
	name := "demo-" + appID
	return bucket{clientAt(hostOf(name), owned()), name}
}

func partsByHand() {
	bucket := newBucket("by-hand")
	key := "by/手 hand"
	begin := func(key string) string { return got(bucket.Object.InitiateMultipartUpload(ctx, key, nil)).UploadID }
	begun := got(bucket.Object.InitiateMultipartUpload(ctx, key, initiation(cos.ObjectPutHeaderOptions{ContentType: "text/x-hand"})))
	same(begun.Bucket+"/"+begun.Key, bucket.name+"/"+key, "InitiateMultipartUpload")
	upload := begun.UploadID
	contents := []string{bytesOf(mib), bytesOf(10)}
	var parts []cos.Object
	for at, content := range contents {
		options := &cos.ObjectUploadPartOptions{ContentMD5: md5Of(content)}
		sent := done(bucket.Object.UploadPart(ctx, key, upload, at+1, strings.NewReader(content), options))
		same(sent.Header.Get("ETag"), etagOf(content), "the ETag of a part")
		parts = append(parts, cos.Object{PartNumber: at + 1, ETag: sent.Header.Get("ETag")})
	}
	listParts := func(options cos.ObjectListPartsOptions) *cos.ObjectListPartsResult {
		return got(bucket.Object.ListParts(ctx, key, upload, &options))
	}
	first := listParts(cos.ObjectListPartsOptions{MaxParts: "1"})
	rest := listParts(cos.ObjectListPartsOptions{PartNumberMarker: first.NextPartNumberMarker, EncodingType: "url"})
	same(fmt.Sprint(first.IsTruncated, first.NextPartNumberMarker, rest.IsTruncated), "true1false", "the pages of ListParts")
	same([]string{first.Key, rest.Key}, []string{key, "by/%E6%89%8B%20hand"}, "the key of ListParts")
	same([]string{rest.Initiator.ID, rest.Owner.ID}, []string{owner, owner}, "who made the upload")
	same(first.StorageClass, "STANDARD", "the class of the upload")
	found := append(first.Parts, rest.Parts...)
	for at, content := range contents {
		same(found[at].PartNumber, at+1, "the number of a listed part")
		same(found[at].ETag, etagOf(content), "the ETag of a listed part")
		same(found[at].Size, int64(len(content)), "the size of a listed part")
	}
	complete := func(parts ...cos.Object) (*cos.CompleteMultipartUploadResult, *cos.Response, error) {
		return bucket.Object.CompleteMultipartUpload(ctx, key, upload, &cos.CompleteMultipartUploadOptions{Parts: parts})
	}
	other := cos.Object{PartNumber: 2, ETag: etagOf("other")}
	refused(400, "InvalidPart", "a wrong part")(complete(parts[0], other))
	refused(400, "InvalidPartOrder", "parts in the wrong order")(complete(parts[1], parts[0]))
	got(complete(parts...))
	bucket.holds(key, contents[0]+contents[1], "CompleteMultipartUpload")
	same(bucket.head(key).Get("Content-Type"), "text/x-hand", "the type of what is made of parts")
	refused(404, "NoSuchUpload", "a second completion")(complete(parts...))

	small := begin("small")
	var tooSmall cos.CompleteMultipartUploadOptions
	for number := 1; number <= 2; number++ {
		sent := done(bucket.Object.UploadPart(ctx, "small", small, number, strings.NewReader("x"), nil))
		tooSmall.Parts = append(tooSmall.Parts, cos.Object{PartNumber: number, ETag: sent.Header.Get("ETag")})
	}
	refused(400, "EntityTooSmall", "parts below 1 MiB")(bucket.Object.CompleteMultipartUpload(ctx, "small", small, &tooSmall))
	done(bucket.Object.AbortMultipartUpload(ctx, "small", small))
	openUploads(bucket, begin)
}

func openUploads(bucket bucket, begin func(key string) string) {
	for _, key := range []string{"one", "sub/中", "two", "two"} {
		begin(key)
	}
	list := func(options cos.ObjectListUploadsOptions) *cos.ObjectListUploadsResult {
		return got(bucket.Object.ListUploads(ctx, &options))
	}
	keyOf := func(upload cos.ListUploadsResultUpload) string { return upload.Key }
	first := list(cos.ObjectListUploadsOptions{MaxUploads: 3})
	rest := list(cos.ObjectListUploadsOptions{KeyMarker: first.NextKeyMarker, UploadIdMarker: first.NextUploadIdMarker})
	open := append(first.Upload, rest.Upload...)
	same(each(open, keyOf), []string{"one", "sub/中", "two", "two"}, "the pages of ListUploads")
	same(fmt.Sprint(first.IsTruncated, rest.IsTruncated, len(rest.Upload)), "true false 1", "the ends of the pages")
	same(open[0].Initiator.ID, owner, "who made an open upload")
	top := list(cos.ObjectListUploadsOptions{Delimiter: "/"})
	same(top.CommonPrefixes, []string{"sub/"}, "the prefixes of ListUploads")
	encoded := list(cos.ObjectListUploadsOptions{Prefix: "sub/", EncodingType: "url"})
	same(each(encoded.Upload, keyOf), []string{"sub/%E4%B8%AD"}, "an encoded key of ListUploads")
	same(encoded.EncodingType, "url", "the encoding of ListUploads")
	// The SDK has the same list as a call of the bucket, too, which reads no common prefixes: it misspells their name.
	same(len(got(bucket.Bucket.ListMultipartUploads(ctx, nil)).Uploads), 4, "ListMultipartUploads")
	for _, upload := range open {
		done(bucket.Object.AbortMultipartUpload(ctx, upload.Key, upload.UploadID))
	}
	same(len(list(cos.ObjectListUploadsOptions{}).Upload), 0, "the uploads that are left")
	gone := open[0].UploadID
	refused(404, "NoSuchUpload", "a part of no upload")(bucket.Object.UploadPart(ctx, "one", gone, 1, strings.NewReader("x"), nil))
	refused(404, "NoSuchUpload", "a second abort")(bucket.Object.AbortMultipartUpload(ctx, "one", gone))
}

func resumable(do func()) *cos.MultiUploadOptions {
	return &cos.MultiUploadOptions{PartSize: 1, CheckPoint: true, OptIni: initiation(cos.ObjectPutHeaderOptions{
		Listener: &after{3, do},
	})}
}

// uploadUntilKilled is what a process of its own does: it dies in the middle of an upload.
func uploadUntilKilled(name, file string) {
	die := func() { done(0, syscall.Kill(os.Getpid(), syscall.SIGKILL)) }
	got(bucketOf(name, owned()).Object.Upload(ctx, "key", file, resumable(die)))
}

func resumedUpload() {
	bucket := newBucket("resumed")
	content := bytesOf(6 * mib)
	file := fileOf(len(content))
	child := exec.Command(done(os.Executable()), emulator.String(), "resumed", file)
	err := child.Run()
	same(fmt.Sprint(err), "signal: killed", "the end of the first upload")
	numbers := func() []int {
		sent := each(bucket.journal("UploadPart", "key", 200), func(entry exchange) int { return entry.Part })
		sort.Ints(sent)
		return sent
	}
	before := numbers()
	check(len(before) >= 3 && len(before) < 6, "the parts before the end of the process: %v", before)
	open := got(bucket.Object.ListUploads(ctx, nil)).Upload[0].UploadID
	got(bucket.Object.Upload(ctx, "key", file, resumable(func() {})))
	both := numbers()
	same(slices.Compact(slices.Clone(both)), []int{1, 2, 3, 4, 5, 6}, "the parts of both uploads")
	// What the killed process had handed to its kernel may arrive at any time, and the second upload cannot know of it.
	late := func(part int) bool { return !slices.Contains(before, part) }
	same(slices.DeleteFunc(both, late), before, "the parts that were there, each sent once")
	same(bucket.journal("CompleteMultipartUpload", "key", 200)[0].Upload, open, "the upload that was completed")
	bucket.holds("key", content, "a resumed upload")
}

func resumedDownload() {
	bucket := newBucket("resumed-download")
	content := bytesOf(6 * mib)
	bucket.put("key", content)
	cancelled, cancel := context.WithCancel(ctx)
	options := func(do func()) *cos.MultiDownloadOptions {
		return &cos.MultiDownloadOptions{PartSize: 1, CheckPoint: true, Opt: &cos.ObjectGetOptions{Listener: &after{2, do}}}
	}
	_, err := bucket.Object.Download(cancelled, "key", path("resumed"), options(cancel))
	check(err != nil, "the first download is broken off")
	ranges := func() []string {
		return each(bucket.journal("GetObject", "key", 206), func(entry exchange) string { return entry.Range })
	}
	before := len(ranges())
	check(before >= 2 && before < 6, "the ranges before the first download broke off: %v", ranges())
	done(bucket.Object.Download(ctx, "key", path("resumed"), options(func() {})))
	fileHolds(path("resumed"), content, "a resumed download")
	distinct := map[string]bool{}
	for _, one := range ranges() {
		distinct[one] = true
	}
	same(len(distinct), 6, "the ranges of both downloads")
	// The range that was under way when the first download broke off may be read again.
	check(len(ranges()) <= 7, "the ranges that were read are not read again: %v", ranges())
}
