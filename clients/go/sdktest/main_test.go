// Package sdktest has the tests with the official Go SDK and with containers. They are a module of their own, so that
// neither is a dependency of what they test.
package sdktest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/tencentyun/cos-go-sdk-v5"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
	"github.com/cos-emu/cos-emu/clients/go/container"
	"github.com/cos-emu/cos-emu/clients/go/cosemutest"
)

func init() {
	cosemutest.Configure(cosemu.WithBuckets("demo-1250000000"))
}

func TestMain(m *testing.M) {
	// A proxy that there is not would break whatever went through it.
	os.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	log.SetDefault(log.NewNoopLogger())
	os.Exit(m.Run())
}

// needContainers skips the test where no container can be run, or fails it where all clients are required.
func needContainers(t *testing.T) {
	t.Helper()
	err := present(t, container.DefaultImage())
	switch {
	case err == nil:
	case os.Getenv("COS_EMU_REQUIRE_CLIENTS") == "1":
		t.Fatalf("no container can be run, but COS_EMU_REQUIRE_CLIENTS is set: %v", err)
	default:
		t.Skipf("no container can be run: %v", err)
	}
}

// present is nil when the engine answers and has an image.
func present(t *testing.T, image string) (err error) {
	t.Helper()
	// Without any engine the library panics.
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("no engine: %v", reason)
		}
	}()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return fmt.Errorf("no engine: %w", err)
	}
	defer provider.Close()
	if err := provider.Health(t.Context()); err != nil {
		return fmt.Errorf("the engine does not answer: %w", err)
	}
	if _, err := provider.Client().ImageInspect(t.Context(), image); err != nil {
		return fmt.Errorf("the image %s: %w", image, err)
	}
	return nil
}

// sdk is the official client of the bucket demo-1250000000 in a world.
func sdk(t *testing.T, world *cosemu.World, id, key string) *cos.Client {
	t.Helper()
	bucket, err := url.Parse("http://demo-1250000000.cos.ap-guangzhou.myqcloud.com")
	check(t, err)
	transport := &http.Transport{DialContext: world.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return cos.NewClient(&cos.BaseURL{BucketURL: bucket}, &http.Client{Transport: &cos.AuthorizationTransport{
		SecretID: id, SecretKey: key, Transport: transport,
	}})
}

// randomFile has as many bytes as make four parts of 1 MiB, the last of them shorter.
func randomFile(t *testing.T) (path string, content []byte) {
	t.Helper()
	content = make([]byte, 3<<20+1<<19)
	_, err := rand.Read(content)
	check(t, err)
	path = filepath.Join(t.TempDir(), "big.bin")
	check(t, os.WriteFile(path, content, 0o600))
	return path, content
}

// expectUploaded reads big.bin back, and expects that each of its four parts was cut once.
func expectUploaded(t *testing.T, client *cos.Client, world *cosemu.World, content []byte) {
	t.Helper()
	answer, err := client.Object.Get(t.Context(), "big.bin", nil)
	check(t, err)
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	check(t, err)
	if !bytes.Equal(read, content) {
		t.Errorf("%d bytes were read back, which are not the %d that were sent", len(read), len(content))
	}
	counts, err := world.Counts(t.Context())
	check(t, err)
	if rule := counts.Rule("reset-in-part"); rule.Firings != 4 || !rule.Fulfilled {
		t.Errorf("the rule: %+v", rule)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
