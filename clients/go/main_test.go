package cosemu_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
)

// What surrounds the tests would disturb both sides, if it reached them: a proxy that there is not, and options of a
// server that is not meant.
func TestMain(m *testing.M) {
	os.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	os.Setenv("COS_EMU_SCENARIO", "flaky")
	os.Setenv("COS_EMU_AUTH", "strict")
	os.Exit(m.Run())
}

const bucket = "demo-1250000000"

// start runs a server until the end of the test.
func start(t *testing.T, opts ...cosemu.Option) *cosemu.Process {
	t.Helper()
	server, err := cosemu.Start(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, server.Stop()) })
	return server
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is what a call returned, unless it failed.
func got[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return value
	}
}

// send makes one plain request to a world, without a retry.
func send(t *testing.T, world *cosemu.World, method, path, body string) (status int, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, world.Endpoint+path, strings.NewReader(body))
	check(t, err)
	request.Header.Set(world.Header.Name, world.Header.Value)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

func put(t *testing.T, world *cosemu.World, key, body string) (status int, err error) {
	t.Helper()
	return send(t, world, http.MethodPut, "/"+bucket+"/"+key, body)
}

func mustPut(t *testing.T, world *cosemu.World, key, body string) {
	t.Helper()
	if status, err := put(t, world, key, body); err != nil || status != http.StatusOK {
		t.Fatalf("PUT %s: status %d, %v", key, status, err)
	}
}
