package sdktest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tencentyun/cos-go-sdk-v5"
	"github.com/testcontainers/testcontainers-go"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
	"github.com/cos-emu/cos-emu/clients/go/container"
	"github.com/cos-emu/cos-emu/clients/go/cosemutest"
)

// The bodies of the first three are those of the README.

func TestAnUploadInPartsSurvivesResetsInAContainer(t *testing.T) {
	needContainers(t)
	t.Parallel()
	file, content := randomFile(t)

	server, err := container.Run(t.Context(), container.DefaultImage(), container.With(
		cosemu.WithScenario(cosemu.Shipped("reset-mid-upload")), cosemu.WithBuckets("demo-1250000000")))
	testcontainers.CleanupContainer(t, server)
	if err != nil {
		t.Fatal(err)
	}
	bucket, _ := url.Parse("http://demo-1250000000.cos.ap-guangzhou.myqcloud.com")
	client := cos.NewClient(&cos.BaseURL{BucketURL: bucket}, &http.Client{Transport: &cos.AuthorizationTransport{
		SecretID: "AKIDcosemu", SecretKey: "cosemu",
		Transport: &http.Transport{DialContext: server.Default.DialContext},
	}})
	if _, _, err := client.Object.Upload(t.Context(), "big.bin", file, &cos.MultiUploadOptions{PartSize: 1}); err != nil {
		t.Fatal(err)
	}
	verdict, err := server.Default.Verdict(t.Context())
	if err != nil || !verdict.Holds {
		t.Error(verdict, err)
	}

	expectUploaded(t, client, server.Default, content)
}

func TestAnUploadInPartsSurvivesResetsOfTheBinary(t *testing.T) {
	t.Parallel()
	file, content := randomFile(t)

	server, err := cosemu.Start(t.Context(),
		cosemu.WithScenario(cosemu.Shipped("reset-mid-upload")), cosemu.WithBuckets("demo-1250000000"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()

	client := sdk(t, server.Default, "AKIDcosemu", "cosemu")
	_, _, err = client.Object.Upload(t.Context(), "big.bin", file, &cos.MultiUploadOptions{PartSize: 1})
	check(t, err)
	verdict, err := server.Default.Verdict(t.Context())
	check(t, err)
	if !verdict.Holds {
		t.Error(verdict)
	}
	expectUploaded(t, client, server.Default, content)
}

func TestAnUploadInPartsSurvivesResetsInAWorldOfTheTest(t *testing.T) {
	t.Parallel()
	file, content := randomFile(t)

	world := cosemutest.World(t, cosemu.Shipped("reset-mid-upload"), cosemutest.MustCope())
	client := sdk(t, world, world.AccessKey.ID, world.AccessKey.Key)

	_, _, err := client.Object.Upload(t.Context(), "big.bin", file, &cos.MultiUploadOptions{PartSize: 1})
	check(t, err)
	expectUploaded(t, client, world, content)
}

func TestAnSDKThatDoesNotRetryDoesNotCope(t *testing.T) {
	world := cosemutest.World(t, cosemu.Shipped("reset-mid-upload"))
	client := sdk(t, world, world.AccessKey.ID, world.AccessKey.Key)
	client.Conf.RetryOpt.Count = 1
	if _, err := client.Object.Put(t.Context(), "small", strings.NewReader("body"), nil); err == nil {
		t.Error("the upload was not cut")
	}
	verdict, err := world.Verdict(t.Context())
	check(t, err)
	reason := "any request with attempt number 2 or later: 0 came, not at least 1"
	if verdict.Holds || !strings.Contains(verdict.String(), reason) {
		t.Errorf("the verdict: %s", verdict)
	}
}

func TestTwoWorldsAreReachedByTheirAccessKeys(t *testing.T) {
	busy := cosemutest.World(t, cosemu.Text(`{ "version": 1, "name": "busy", "rules": [
		{ "id": "busy", "when": { "op": "PutObject" }, "do": { "error": { "status": 503, "code": "SlowDown" } } }
	] }`))
	quiet := cosemutest.World(t, cosemu.Text(`{ "version": 1, "name": "quiet" }`))

	_, err := sdk(t, busy, busy.AccessKey.ID, busy.AccessKey.Key).Object.Put(t.Context(), "key", strings.NewReader("1"), nil)
	if refusal, ok := cos.IsCOSError(err); !ok || refusal.Code != "SlowDown" {
		t.Errorf("in the busy one: %v", err)
	}
	client := sdk(t, quiet, quiet.AccessKey.ID, quiet.AccessKey.Key)
	if _, err := client.Object.Put(t.Context(), "key", strings.NewReader("2"), nil); err != nil {
		t.Errorf("in the quiet one: %v", err)
	}
	if found, err := sdk(t, busy, busy.AccessKey.ID, busy.AccessKey.Key).Object.IsExist(t.Context(), "key"); err != nil || found {
		t.Errorf("in the busy one there is an object: %v, %v", found, err)
	}
}

func TestOnlyKnownCredentialsPassStrictChecks(t *testing.T) {
	server, err := cosemu.Start(t.Context(),
		cosemu.WithBuckets("demo-1250000000"),
		cosemu.WithAuth(cosemu.AuthStrict),
		cosemu.WithCredential("AKIDone", "first"),
		cosemu.WithCredential("AKIDtwo", "second"),
	)
	check(t, err)
	defer server.Stop()
	for id, key := range map[string]string{"AKIDone": "first", "AKIDtwo": "second"} {
		if _, err := sdk(t, server.Default, id, key).Object.Put(t.Context(), id, strings.NewReader("body"), nil); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	_, err = sdk(t, server.Default, "AKIDcosemu", "cosemu").Object.Put(t.Context(), "key", strings.NewReader("body"), nil)
	if refusal, ok := cos.IsCOSError(err); !ok || refusal.Code != "InvalidAccessKeyId" {
		t.Errorf("the pair that is replaced: %v", err)
	}
}
