// Package cosemutest gives each test a world of its own, on one server for all tests of a binary.
//
// The server is started with the first world, as [cosemu.Start] does it, and ends with the test binary. [Configure] says,
// before that, what it is started with; what the worlds have in common, such as buckets, belongs there.
package cosemutest

import (
	"context"
	"sync"
	"testing"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
)

// Option says what happens to a world at the end of its test.
type Option func(*plan)

type plan struct {
	mustCope bool
}

// MustCope fails the test, with the reasons, when the verdict does not hold at its end.
func MustCope() Option { return func(p *plan) { p.mustCope = true } }

var shared struct {
	lock    sync.Mutex
	options []cosemu.Option
	start   func() (*cosemu.Process, error)
}

// Configure adds to what the server of this test binary is started with. It is called by an init function, or by TestMain; it
// panics when the server runs already.
func Configure(opts ...cosemu.Option) {
	shared.lock.Lock()
	defer shared.lock.Unlock()
	if shared.start != nil {
		panic("cosemutest: Configure comes before the first World")
	}
	shared.options = append(shared.options, opts...)
}

// Server is the server of this test binary. A test that cannot have it fails.
func Server(t testing.TB) *cosemu.Process {
	t.Helper()
	shared.lock.Lock()
	if shared.start == nil {
		shared.start = sync.OnceValues(func() (*cosemu.Process, error) {
			// It outlives the test that happens to be the first.
			return cosemu.Start(context.Background(), shared.options...)
		})
	}
	shared.lock.Unlock()
	server, err := shared.start()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// World makes a world for one test, on the server of this test binary, and deletes it at the test's end.
func World(t testing.TB, scenario cosemu.Scenario, opts ...Option) *cosemu.World {
	t.Helper()
	return WorldOn(t, Server(t).Client, scenario, opts...)
}

// WorldOn is [World] on another server, such as one in a container. That has to outlive the test.
func WorldOn(t testing.TB, server *cosemu.Client, scenario cosemu.Scenario, opts ...Option) *cosemu.World {
	t.Helper()
	var p plan
	for _, opt := range opts {
		opt(&p)
	}
	world, err := server.Create(t.Context(), scenario)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// That of the test is over.
		verdict, err := world.Delete(context.Background())
		if err != nil {
			t.Errorf("the world cannot be deleted: %v", err)
		} else if p.mustCope && !verdict.Holds {
			t.Error(verdict)
		}
	})
	return world
}
