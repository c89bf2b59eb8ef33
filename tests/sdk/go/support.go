package main

import (
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	"github.com/tencentyun/cos-go-sdk-v5"
)

const (
	mib    = 1024 * 1024
	appID  = "1250000000"
	region = "ap-guangzhou"
	owner  = "qcs::cam::uin/100000000001:uin/100000000001"
	reader = "qcs::cam::uin/100000000002:uin/100000000002"
)

var (
	ctx      = context.Background()
	emulator *url.URL
	// wire takes every request to the emulator.
	wire *http.Transport
	// folder is for the files of this run.
	folder string
	// step is what is under way, for the message of a failure.
	step string
)

func fail(format string, arguments ...any) {
	fmt.Printf("failed: %s: %s\n", step, fmt.Sprintf(format, arguments...))
	os.RemoveAll(folder)
	os.Exit(1)
}

func check(condition bool, format string, arguments ...any) {
	if !condition {
		fail(format, arguments...)
	}
}

func same[T any](actual, expected T, what string) {
	check(reflect.DeepEqual(actual, expected), "%s: %#v instead of %#v", what, actual, expected)
}

// sameXML compares a configuration that was read with the one that was put, field by field.
func sameXML(actual, expected any, what string) {
	same(string(done(xml.Marshal(actual))), string(done(xml.Marshal(expected))), what)
}

// done is the result of a call that has to succeed.
func done[T any](result T, err error) T {
	check(err == nil, "%v", err)
	return result
}

// got is the result of a call that has to succeed, without its response.
func got[T any](result T, _ *cos.Response, err error) T {
	return done(result, err)
}

// refused expects of the results of a call that the last is this error of the service.
func refused(status int, code, what string) func(results ...any) {
	return func(results ...any) {
		err, _ := results[len(results)-1].(error)
		check(err != nil, "%s succeeded, but should have failed with %s", what, code)
		answer, is := cos.IsCOSError(err)
		check(is, "%s: %v", what, err)
		same(fmt.Sprint(answer.Response.StatusCode, " ", answer.Code), fmt.Sprint(status, " ", code), what)
		check(answer.Response.Header.Get("x-cos-request-id") != "", "%s: the request id", what)
	}
}

// noBody is the code of an error that answers a HEAD, which has no document to say it in.
const noBody = ""

// inParallel runs an action for each name, some at a time.
func inParallel(names []string, action func(name string)) {
	queue := make(chan string)
	var workers sync.WaitGroup
	for count := 0; count < 12; count++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for name := range queue {
				action(name)
			}
		}()
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	workers.Wait()
}

// bucket is a client of the SDK for one bucket.
type bucket struct {
	*cos.Client
	name string
}

func nameOf(name string) string {
	return "go-" + name + "-" + appID
}

func hostOf(name string) string {
	return name + ".cos." + region + ".myqcloud.com"
}

func signedBy(id, key string) http.RoundTripper {
	return &cos.AuthorizationTransport{SecretID: id, SecretKey: key, Transport: wire}
}

func owned() http.RoundTripper {
	return signedBy("AKIDcosemu", "cosemu")
}

// anonymous leaves requests unsigned: the SDK does so for want of a key.
func anonymous() http.RoundTripper {
	return signedBy("", "")
}

// clientAt is a client for what answers at a host.
func clientAt(host string, transport http.RoundTripper) *cos.Client {
	address := done(url.Parse("http://" + host))
	return cos.NewClient(&cos.BaseURL{BucketURL: address}, &http.Client{Transport: transport})
}

// bucketOf is a bucket as one who signs in this way sees it; it is not made.
func bucketOf(name string, transport http.RoundTripper) bucket {
	return bucket{clientAt(hostOf(nameOf(name)), transport), nameOf(name)}
}

func newBucket(name string) bucket {
	made := bucketOf(name, owned())
	done(made.Bucket.Put(ctx, nil))
	return made
}

func versionedBucket(name string) bucket {
	made := newBucket(name)
	done(made.Bucket.PutVersioning(ctx, &cos.BucketPutVersionOptions{Status: "Enabled"}))
	return made
}

// put stores an object and answers the headers of the response.
func (b bucket) put(key, content string, options ...*cos.ObjectPutOptions) http.Header {
	return done(b.tryPut(key, content, options...)).Header
}

func (b bucket) tryPut(key, content string, options ...*cos.ObjectPutOptions) (*cos.Response, error) {
	return b.Object.Put(ctx, key, strings.NewReader(content), only(options))
}

// read is the content of an object, or of a version of it.
func (b bucket) read(key string, version ...string) string {
	return contentOf(b.Object.Get(ctx, key, nil, version...))
}

func (b bucket) holds(key, content, what string) {
	check(b.read(key) == content, "%s: the content of %s", what, key)
}

func (b bucket) head(key string) http.Header {
	return done(b.Object.Head(ctx, key, nil)).Header
}

// source names an object as the source of a copy.
func (b bucket) source(key string) string {
	return hostOf(b.name) + "/" + key
}

// only is the one option that was given, or none.
func only[T any](options []*T) *T {
	if len(options) == 0 {
		return nil
	}
	return options[0]
}

func contentOf(response *cos.Response, err error) string {
	body := done(response, err).Body
	defer body.Close()
	return string(done(io.ReadAll(body)))
}

// by makes the options of an upload from headers that the SDK has fields for.
func by(headers cos.ObjectPutHeaderOptions) *cos.ObjectPutOptions {
	return &cos.ObjectPutOptions{ObjectPutHeaderOptions: &headers}
}

// header makes a set of headers from pairs of a name and a value.
func header(pairs ...string) *http.Header {
	made := http.Header{}
	for at := 0; at < len(pairs); at += 2 {
		made.Set(pairs[at], pairs[at+1])
	}
	return &made
}

// bytesOf is content of a size, the same each time.
func bytesOf(size int) string {
	block := sha512.Sum512([]byte(fmt.Sprint(size)))
	return strings.Repeat(string(block[:]), size/len(block)+1)[:size]
}

func path(name string) string {
	return filepath.Join(folder, name)
}

func fileOf(size int) string {
	name := path(fmt.Sprintf("file-%d", size))
	check(os.WriteFile(name, []byte(bytesOf(size)), 0o600) == nil, "%s is written", name)
	return name
}

func fileHolds(name, content, what string) {
	check(string(done(os.ReadFile(name))) == content, "%s: the content of the file", what)
}

func etagOf(content string) string {
	return fmt.Sprintf(`"%x"`, md5.Sum([]byte(content)))
}

// plain is the answer to a request that the SDK had no part in.
type plain struct {
	status int
	header http.Header
	body   string
}

func send(method, address, body string, headers *http.Header) plain {
	request := done(http.NewRequest(method, address, strings.NewReader(body)))
	if headers != nil {
		request.Header = *headers
	}
	response := done(wire.RoundTrip(request))
	defer response.Body.Close()
	return plain{response.StatusCode, response.Header, string(done(io.ReadAll(response.Body)))}
}

func (p plain) refused(status int, code, what string) {
	same(p.status, status, what)
	check(strings.Contains(p.body, "<Code>"+code+"</Code>"), "%s: %s", what, p.body)
}

// exchange is an entry of the emulator's journal.
type exchange struct {
	Bucket string
	Key    string
	Upload string
	Part   int
	Range  string
	Answer struct{ Status int }
}

// journal is what the emulator was asked of an operation on a key, and answered with this status.
func (b bucket) journal(operation, key string, status int) []exchange {
	query := url.Values{"op": {operation}, "key": {key}}.Encode()
	address := emulator.String() + "/_cos-emu/v1/scenarios/default/journal?" + query
	var document struct{ Exchanges []exchange }
	check(json.Unmarshal([]byte(send("GET", address, "", nil).body), &document) == nil, "the journal is read")
	var found []exchange
	for _, entry := range document.Exchanges {
		if entry.Bucket == b.name && entry.Answer.Status == status {
			found = append(found, entry)
		}
	}
	return found
}

// each is one field of every entry of a list.
func each[E, F any](entries []E, field func(entry E) F) []F {
	fields := []F{}
	for _, entry := range entries {
		fields = append(fields, field(entry))
	}
	return fields
}
