package cosemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// startTimeout is how long a server may take until it is ready, unless the context ends before.
	startTimeout = 30 * time.Second
	// stopTimeout is how long it may take to end after SIGTERM.
	stopTimeout = 10 * time.Second
	// didNotCope is the exit status of a server whose scenario does not hold when it stops.
	didNotCope = 4
)

// Process is a server that runs the binary. It ends by [Process.Stop], or with the program that started it.
type Process struct {
	*Client
	// Default is the world of the options.
	Default *World

	stop func() error
}

// Start runs the binary on 127.0.0.1 and a free port, and returns when it is ready. The context counts for the start
// alone. Nothing of cos-emu's own variables and of proxies in the environment reaches the server, only what the options
// say. When it ends before it is ready, the error holds what it printed, and is an [exec.ExitError].
func Start(ctx context.Context, opts ...Option) (*Process, error) {
	s := collected(opts)
	env, err := s.environment(true)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "cos-emu-")
	if err != nil {
		return nil, fmt.Errorf("cosemu: %w", err)
	}
	defer os.RemoveAll(folder)
	readyFile := filepath.Join(folder, "ready")
	if _, ok := env["COS_EMU_LISTEN"]; !ok {
		env["COS_EMU_LISTEN"] = "127.0.0.1:0"
	}
	env["COS_EMU_READY_FILE"] = readyFile
	env["COS_EMU_EXIT_WITH_PARENT"] = "true"

	printed := new(tail)
	binary := s.binaryPath()
	command := exec.Command(binary)
	command.Env = inherited(os.Environ())
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stderr = printed
	if err := command.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("cosemu: %w: name the binary by COS_EMU_BINARY or WithBinary", err)
		}
		return nil, fmt.Errorf("cosemu: %s does not start: %w", binary, err)
	}
	running := &running{command: command, printed: printed, ended: make(chan struct{})}
	go running.wait()

	starting, cancel := context.WithTimeoutCause(ctx, startTimeout,
		fmt.Errorf("%w: not ready after %s", ErrTimeout, startTimeout))
	defer cancel()
	process, err := running.ready(starting, readyFile, env["COS_EMU_CONTROL_TOKEN"])
	if err != nil {
		// What it may have said last is in the error already.
		_ = running.stop()
		return nil, fmt.Errorf("cosemu: %s: %w", binary, err)
	}
	return process, nil
}

// Stop ends the server by SIGTERM and waits until it is gone. Called again, it returns the same. It is an error when the
// server had ended by itself, or does not end in good order; that its scenario does not hold is none.
func (p *Process) Stop() error { return p.stop() }

func (s *settings) binaryPath() string {
	if s.binary != "" {
		return s.binary
	}
	if path := os.Getenv("COS_EMU_BINARY"); path != "" {
		return path
	}
	return "cos-emu"
}

// inherited leaves out what would change what the server does.
func inherited(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		if !strings.HasPrefix(name, "COS_EMU_") && !strings.HasSuffix(name, "_PROXY") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// running is the binary at work.
type running struct {
	command *exec.Cmd
	printed *tail
	// ended is closed when it is gone; result counts from then on.
	ended  chan struct{}
	result error
}

func (r *running) wait() {
	r.result = r.command.Wait()
	close(r.ended)
}

// ready waits for the file that tells the URL, and for the control API there.
func (r *running) ready(ctx context.Context, readyFile, token string) (*Process, error) {
	var url string
	for url == "" {
		select {
		case <-r.ended:
			return nil, r.endedBy("it ended before it was ready")
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for it to be ready: %w: %s", context.Cause(ctx), r.printed)
		case <-time.After(pollInterval):
		}
		// The file is whole when its line has an end.
		if text, err := os.ReadFile(readyFile); err == nil && strings.HasSuffix(string(text), "\n") {
			url = strings.TrimSpace(string(text))
		}
	}
	client := NewClient(url, WithToken(token), WithShipped(r.shipped))
	if err := client.WaitUntilReady(ctx, startTimeout); err != nil {
		return nil, err
	}
	world, err := client.DefaultWorld(ctx)
	if err != nil {
		return nil, err
	}
	return &Process{Client: client, Default: world, stop: sync.OnceValue(r.stop)}, nil
}

// shipped asks the binary for the text of a shipped scenario.
func (r *running) shipped(ctx context.Context, name string) (string, error) {
	command := exec.CommandContext(ctx, r.command.Path, "scenarios", name)
	command.Env = inherited(os.Environ())
	text, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("cosemu: the scenario %q: %w: %s", name, err, exit.Stderr)
		}
		return "", fmt.Errorf("cosemu: the scenario %q: %w", name, err)
	}
	return string(text), nil
}

func (r *running) stop() error {
	select {
	case <-r.ended:
		return fmt.Errorf("cosemu: %w", r.endedBy("it had ended by itself"))
	default:
	}
	// Where there are no signals, it is ended the hard way.
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		_ = r.command.Process.Kill()
	}
	select {
	case <-r.ended:
	case <-time.After(stopTimeout):
		_ = r.command.Process.Kill()
		<-r.ended
		return fmt.Errorf("cosemu: %w: it did not stop within %s", ErrTimeout, stopTimeout)
	}
	if status := r.command.ProcessState.ExitCode(); status != 0 && status != didNotCope {
		return fmt.Errorf("cosemu: %w", r.endedBy("it did not stop in good order"))
	}
	return nil
}

// endedBy is the error of a binary that is gone: how it ended, and what it printed to standard error.
func (r *running) endedBy(how string) error {
	text := strings.TrimSpace(r.printed.String())
	if r.result == nil {
		return fmt.Errorf("%s, with status 0: %s", how, text)
	}
	return fmt.Errorf("%s: %w: %s", how, r.result, text)
}

// tail keeps the end of what is written to it, so that a talkative server takes no memory.
type tail struct {
	lock sync.Mutex
	text []byte
}

const tailBytes = 64 << 10

func (t *tail) Write(text []byte) (int, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.text = append(t.text, text...)
	if excess := len(t.text) - tailBytes; excess > 0 {
		t.text = append([]byte(nil), t.text[excess:]...)
	}
	return len(text), nil
}

func (t *tail) String() string {
	t.lock.Lock()
	defer t.lock.Unlock()
	return string(t.text)
}
