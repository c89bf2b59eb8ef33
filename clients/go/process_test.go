package cosemu_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
)

func TestStopEndsTheProcess(t *testing.T) {
	server, err := cosemu.Start(t.Context())
	check(t, err)
	check(t, server.Ready(t.Context()))
	check(t, server.Stop())
	if err := server.Ready(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after it, the server is there, or: %v", err)
	}
	check(t, server.Stop())
}

func TestStopIsNoErrorWhenTheScenarioDoesNotHold(t *testing.T) {
	server, err := cosemu.Start(t.Context(), cosemu.WithScenario(cosemu.Shipped("reset-mid-upload")))
	check(t, err)
	check(t, server.Stop())
}

func TestStopTellsThatTheServerHadEnded(t *testing.T) {
	// A wrapper that ends the server by force, when it is told to, and then itself.
	folder := t.TempDir()
	wrapper, pidFile, end := filepath.Join(folder, "wrapper"), filepath.Join(folder, "pid"), filepath.Join(folder, "end")
	script := `#!/bin/sh
"$REAL" &
echo $$ >"$PID_FILE"
while ! [ -e "$END" ]; do sleep 0.02; done
kill -9 $!
echo gone >&2
exit 3
`
	check(t, os.WriteFile(wrapper, []byte(script), 0o755))
	t.Setenv("REAL", os.Getenv("COS_EMU_BINARY"))
	t.Setenv("PID_FILE", pidFile)
	t.Setenv("END", end)
	server, err := cosemu.Start(t.Context(), cosemu.WithBinary(wrapper))
	check(t, err)
	check(t, os.WriteFile(end, nil, 0o600))
	pid := got(strconv.Atoi(strings.TrimSpace(string(got(os.ReadFile(pidFile))(t)))))(t)
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(20 * time.Millisecond)
	}
	err = server.Stop()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "gone") {
		t.Errorf("it is %v", err)
	}
}

func TestAWrongOptionIsToldInTheWordsOfTheBinary(t *testing.T) {
	_, err := cosemu.Start(t.Context(), cosemu.WithAuth("lenient"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("it is %v", err)
	}
	if !strings.Contains(err.Error(), "invalid value 'lenient' for '--auth <MODE>'") {
		t.Errorf("it reads: %v", err)
	}
}

func TestAnInvalidScenarioIsToldInTheWordsOfTheBinary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cut.json")
	check(t, os.WriteFile(path, []byte("{\n  \"version\": 1,\n  \"nam\": \"x\"\n}"), 0o644))
	for _, scenario := range []cosemu.Scenario{cosemu.File(path), cosemu.Text("{\n\n\"nam\": 1}"), cosemu.Shipped("nam")} {
		_, err := cosemu.Start(t.Context(), cosemu.WithScenario(scenario))
		if err == nil || !strings.Contains(err.Error(), "nam") {
			t.Errorf("it is %v", err)
		}
	}
	_, err := cosemu.Start(t.Context(), cosemu.WithScenario(cosemu.File(path)))
	if err == nil || !strings.Contains(err.Error(), path+":3:3: error E203") {
		t.Errorf("the place is missing in: %v", err)
	}
}

func TestABinaryThatThereIsNotIsTold(t *testing.T) {
	if _, err := cosemu.Start(t.Context(), cosemu.WithBinary("/no/such/binary")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is %v", err)
	}
	t.Setenv("COS_EMU_BINARY", "/no/such/binary")
	if _, err := cosemu.Start(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("by COS_EMU_BINARY it is %v", err)
	}
	t.Setenv("COS_EMU_BINARY", "")
	t.Setenv("PATH", t.TempDir())
	_, err := cosemu.Start(t.Context())
	if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "COS_EMU_BINARY") {
		t.Errorf("by PATH it is %v", err)
	}
}

func TestAStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	silent := filepath.Join(t.TempDir(), "silent")
	check(t, os.WriteFile(silent, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755))
	if _, err := cosemu.Start(ctx, cosemu.WithBinary(silent)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it is %v", err)
	}
}

func TestNothingLeaksFromTheEnvironment(t *testing.T) {
	// TestMain names a proxy there, a scenario, and how strictly signatures are checked.
	t.Setenv("no_proxy", "example.com")
	wrapper, seen := filepath.Join(t.TempDir(), "wrapper"), filepath.Join(t.TempDir(), "environment")
	check(t, os.WriteFile(wrapper, []byte("#!/bin/sh\nenv >\"$SEEN\"\nexec \"$REAL\"\n"), 0o755))
	t.Setenv("REAL", os.Getenv("COS_EMU_BINARY"))
	t.Setenv("SEEN", seen)
	server := start(t, cosemu.WithBinary(wrapper), cosemu.WithBuckets(bucket))
	environment := string(got(os.ReadFile(seen))(t))
	for _, name := range []string{"HTTP_PROXY=", "no_proxy=", "COS_EMU_SCENARIO=", "COS_EMU_AUTH="} {
		if strings.Contains(environment, name) {
			t.Errorf("%s came from the environment", name)
		}
	}
	for _, name := range []string{"PATH=", "COS_EMU_BUCKET="} {
		if !strings.Contains(environment, name) {
			t.Errorf("%s is missing", name)
		}
	}
	mustPut(t, server.Default, "key", "unsigned")
}

func TestOptionsReachTheServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.json")
	check(t, os.WriteFile(filepath.Join(filepath.Dir(path), "content"), []byte("beside"), 0o644))
	text := `{ "version": 1, "name": "own", "setup": { "buckets": { "set-up-1250000000": {
		"objects": { "key": { "content": { "file": "content" } } } } } } }`
	check(t, os.WriteFile(path, []byte(text), 0o644))
	server := start(t,
		cosemu.WithScenario(cosemu.File(path)),
		cosemu.WithBuckets("one-1250000000", "two-1250000000@ap-beijing"),
		cosemu.WithBuckets("three-1250000000"),
		cosemu.WithVaults("vault"),
		cosemu.WithSeed(0x5eed),
		cosemu.WithOption("max-memory", "1KiB"),
		cosemu.WithOption("spill-dir", "/nowhere/at/all"),
	)
	if server.Default.Name != "own" || server.Default.Seed != "0x5eed" {
		t.Errorf("the default world is %+v", server.Default)
	}
	// What the scenario names beside itself is found, because its path is handed over.
	for _, path := range []string{"/one-1250000000/", "/two-1250000000/", "/three-1250000000/", "/set-up-1250000000/key"} {
		if status, err := send(t, server.Default, http.MethodGet, path, ""); status != http.StatusOK {
			t.Errorf("%s: status %d, %v", path, status, err)
		}
	}
	large := strings.Repeat("x", 2000)
	status, err := send(t, server.Default, http.MethodPut, "/one-1250000000/large", large)
	if status != http.StatusServiceUnavailable {
		t.Errorf("more than fits: status %d, %v", status, err)
	}

	strict := start(t, cosemu.WithBuckets(bucket), cosemu.WithAuth(cosemu.AuthStrict))
	if status, err := put(t, strict.Default, "key", "unsigned"); status != http.StatusForbidden {
		t.Errorf("unsigned: status %d, %v", status, err)
	}
}

func TestTheEnvironmentOfAServerElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.json")
	check(t, os.WriteFile(path, []byte(busy), 0o644))
	env := got(cosemu.Environment(
		cosemu.WithScenario(cosemu.File(path)),
		cosemu.WithBuckets("one-1", "two-1"),
		cosemu.WithCredential("id", "key"),
		cosemu.WithTemporaryCredential("other", "key", "token"),
		cosemu.WithOption("max-memory", "64MiB"),
	))(t)
	expected := map[string]string{
		"COS_EMU_SCENARIO_JSON": busy,
		"COS_EMU_BUCKET":        "one-1,two-1",
		"COS_EMU_CREDENTIAL":    "id:key,other:key:token",
		"COS_EMU_MAX_MEMORY":    "64MiB",
	}
	if fmt.Sprint(env) != fmt.Sprint(expected) {
		t.Errorf("it is %v", env)
	}
	if _, err := cosemu.Environment(cosemu.WithBinary("cos-emu")); err == nil {
		t.Error("a binary of its own is taken")
	}
	if _, err := cosemu.Environment(cosemu.WithOption("control-listen", "127.0.0.1:0")); err == nil {
		t.Error("a control API elsewhere is taken")
	}
}
