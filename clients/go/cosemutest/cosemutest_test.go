package cosemutest_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
	"github.com/cos-emu/cos-emu/clients/go/cosemutest"
)

func init() {
	cosemutest.Configure(cosemu.WithBuckets("demo-1250000000"))
}

var quiet = cosemu.Text(`{ "version": 1, "name": "quiet" }`)

func TestEachTestHasAWorldOfItsOwnOnOneServer(t *testing.T) {
	server := cosemutest.Server(t)
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := cosemutest.World(t, quiet)
			if world.Endpoint != server.URL() {
				t.Errorf("it is at %s, not %s", world.Endpoint, server.URL())
			}
			if err := put(world); err != nil {
				t.Error(err)
			}
			journal, err := world.Journal(t.Context(), cosemu.Filter{})
			if err != nil || len(journal.Exchanges) != 1 {
				t.Errorf("the journal is %+v, %v", journal, err)
			}
		})
	}
}

func TestTheWorldIsDeletedAtTheEndOfItsTest(t *testing.T) {
	var id string
	t.Run("test", func(t *testing.T) { id = cosemutest.World(t, quiet).ID })
	_, err := cosemutest.Server(t).World(t.Context(), id)
	var problem *cosemu.ProblemError
	if !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("afterwards: %v", err)
	}
}

func TestMustCopeFailsATestWhoseVerdictDoesNotHold(t *testing.T) {
	oneUploadCut := func(t testing.TB, opts ...cosemutest.Option) {
		world := cosemutest.World(t, cosemu.Shipped("reset-mid-upload"), opts...)
		if put(world) == nil {
			t.Error("the upload was not reset")
		}
	}
	failures := failuresOf(t, func(t testing.TB) { oneUploadCut(t, cosemutest.MustCope()) })
	if len(failures) != 1 || !strings.Contains(failures[0], "any request with attempt number 2 or later: 0 came") {
		t.Errorf("with it: %q", failures)
	}
	if failures := failuresOf(t, func(t testing.TB) { oneUploadCut(t) }); len(failures) != 0 {
		t.Errorf("without it: %q", failures)
	}
	failures = failuresOf(t, func(t testing.TB) {
		if err := put(cosemutest.World(t, quiet, cosemutest.MustCope())); err != nil {
			t.Error(err)
		}
	})
	if len(failures) != 0 {
		t.Errorf("with a verdict that holds: %q", failures)
	}
}

func TestAScenarioWithAMistakeFailsTheTest(t *testing.T) {
	failures := failuresOf(t, func(t testing.TB) {
		cosemutest.World(t, cosemu.Text(`{ "version": 1, "nam": "x" }`))
		t.Error("the test goes on")
	})
	if len(failures) != 1 || !strings.Contains(failures[0], `did you mean "name"?`) {
		t.Errorf("it fails with %q", failures)
	}
}

func TestAWorldMayBeOnAnotherServer(t *testing.T) {
	other, err := cosemu.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Stop(); err != nil {
			t.Error(err)
		}
	})
	if world := cosemutest.WorldOn(t, other.Client, quiet); world.Endpoint != other.URL() {
		t.Errorf("it is at %s, not %s", world.Endpoint, other.URL())
	}
}

func TestConfigureComesBeforeTheServer(t *testing.T) {
	cosemutest.Server(t)
	defer func() {
		if recover() == nil {
			t.Error("it was taken too late")
		}
	}()
	cosemutest.Configure(cosemu.WithBuckets("late-1250000000"))
}

func TestTheServerEndsWithTheTestBinary(t *testing.T) {
	const prefix = "server at "
	if os.Getenv("ANOTHER_TEST_BINARY") != "" {
		fmt.Println(prefix + cosemutest.Server(t).URL())
		return
	}
	binary := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	binary.Env = append(os.Environ(), "ANOTHER_TEST_BINARY=1")
	printed, err := binary.Output()
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(printed), "\n")
	server := cosemu.NewClient(strings.TrimPrefix(line, prefix))
	end := time.Now().Add(10 * time.Second)
	for !errors.Is(server.Ready(t.Context()), syscall.ECONNREFUSED) {
		if time.Now().After(end) {
			t.Fatalf("%s is still there", server.URL())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// put makes one plain upload in a world, without a retry.
func put(world *cosemu.World) error {
	url := world.Endpoint + "/demo-1250000000/key"
	request, err := http.NewRequest(http.MethodPut, url, strings.NewReader("body"))
	if err != nil {
		return err
	}
	request.Header.Set(world.Header.Name, world.Header.Value)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// recorder is a test whose failures are looked at, instead of being failures.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func failuresOf(t *testing.T, test func(testing.TB)) []string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	for _, cleanup := range slices.Backward(r.cleanups) {
		cleanup()
	}
	return r.failures
}

func (r *recorder) Helper()                           {}
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any)                 { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}
