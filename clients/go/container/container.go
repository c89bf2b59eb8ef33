// Package container runs the image of cos-emu by Testcontainers. It is a module of its own, so that who needs no
// containers does not get their dependencies.
//
// Testcontainers removes what a test leaves behind with the help of another image, Ryuk. Where that cannot be pulled,
// TESTCONTAINERS_RYUK_DISABLED=true does without.
package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/exec"
	"github.com/testcontainers/testcontainers-go/wait"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
)

const (
	// Port is where the server listens in the container, for everything.
	Port = "3077/tcp"
	// startTimeout is how long it may take until it is ready.
	startTimeout = 30 * time.Second
	// pollInterval is how often it is asked whether it is.
	pollInterval = 50 * time.Millisecond
)

// Container is a server that runs the image. It ends by its Terminate, or by [testcontainers.CleanupContainer].
type Container struct {
	*testcontainers.DockerContainer
	// Client reaches the server by the published port. Where the engine publishes it at the loopback address, an RST of the
	// server arrives there as a FIN; by the address of [Container.ContainerURL] it stays an RST. Over https use host names,
	// by its Proxy or the DialContext of a world: certificates do not name the addresses of the engine's machine, except
	// the loopback.
	*cosemu.Client
	// Default is the world of the options.
	Default *cosemu.World
}

// DefaultImage is the value of COS_EMU_IMAGE, else cos-emu:latest.
func DefaultImage() string {
	if image := os.Getenv("COS_EMU_IMAGE"); image != "" {
		return image
	}
	return "cos-emu:latest"
}

// With says how the server in the container is started.
func With(opts ...cosemu.Option) testcontainers.CustomizeRequestOption {
	return func(request *testcontainers.GenericContainerRequest) error {
		env, err := cosemu.Environment(opts...)
		if err != nil {
			return err
		}
		return testcontainers.WithEnv(env)(request)
	}
}

// Run starts a container and returns when the server is ready. The options are those of [With], and any other of
// Testcontainers. When it does not start, the error holds what it printed, and no container is left behind.
func Run(ctx context.Context, image string, opts ...testcontainers.ContainerCustomizer) (*Container, error) {
	var token string
	all := []testcontainers.ContainerCustomizer{
		testcontainers.WithExposedPorts(Port),
		testcontainers.WithWaitStrategyAndDeadline(startTimeout, ready{}),
	}
	all = append(all, opts...)
	all = append(all, testcontainers.CustomizeRequestOption(func(r *testcontainers.GenericContainerRequest) error {
		token = r.Env["COS_EMU_CONTROL_TOKEN"]
		return nil
	}))
	started, err := testcontainers.Run(ctx, image, all...)
	if err != nil {
		printed := logs(started)
		return nil, errors.Join(
			fmt.Errorf("container: %s does not start: %w\n%s", image, err, printed),
			testcontainers.TerminateContainer(started),
		)
	}
	c := &Container{DockerContainer: started}
	if err := c.connect(ctx, token); err != nil {
		return nil, errors.Join(fmt.Errorf("container: %w", err), testcontainers.TerminateContainer(started))
	}
	return c, nil
}

// ContainerURL is the server's address within the engine's network, http://ADDRESS:3077. From the engine's own machine it
// can be reached where that runs Linux, and an RST of the server arrives as an RST; give it to [cosemu.NewClient].
func (c *Container) ContainerURL(ctx context.Context) (string, error) {
	address, err := c.ContainerIP(ctx)
	if err != nil {
		return "", fmt.Errorf("container: its address: %w", err)
	}
	return "http://" + net.JoinHostPort(address, strings.TrimSuffix(Port, "/tcp")), nil
}

func (c *Container) connect(ctx context.Context, token string) error {
	url, err := c.PortEndpoint(ctx, Port, "http")
	if err != nil {
		return err
	}
	c.Client = cosemu.NewClient(url, cosemu.WithToken(token), cosemu.WithShipped(c.shipped))
	c.Default, err = c.Client.DefaultWorld(ctx)
	return err
}

// shipped asks the binary of the image for the text of a shipped scenario.
func (c *Container) shipped(ctx context.Context, name string) (string, error) {
	status, output, err := c.Exec(ctx, []string{"/cos-emu", "scenarios", name}, exec.Multiplexed())
	if err != nil {
		return "", fmt.Errorf("container: the scenario %q: %w", name, err)
	}
	text, err := io.ReadAll(output)
	if err != nil {
		return "", fmt.Errorf("container: the scenario %q: %w", name, err)
	}
	if status != 0 {
		return "", fmt.Errorf("container: the scenario %q: %s", name, text)
	}
	return string(text), nil
}

// logs is what a container printed, as far as there is one.
func logs(c *testcontainers.DockerContainer) string {
	if c == nil {
		return ""
	}
	// That of the start may be over.
	printed, err := c.Logs(context.Background())
	if err != nil {
		return err.Error()
	}
	defer printed.Close()
	text, err := io.ReadAll(printed)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ready waits for the status 200 at /_cos-emu/readyz. The strategy that Testcontainers has for HTTP would ask through the
// proxy of the environment, which often is cos-emu itself.
type ready struct{}

// WaitUntilReady implements [wait.Strategy].
func (ready) WaitUntilReady(ctx context.Context, target wait.StrategyTarget) error {
	for {
		err := ask(ctx, target)
		if err == nil {
			return nil
		}
		state, stateErr := target.State(ctx)
		if stateErr == nil && !state.Running {
			return fmt.Errorf("it ended with status %d", state.ExitCode)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(pollInterval):
		}
	}
}

func ask(ctx context.Context, target wait.StrategyTarget) error {
	host, err := target.Host(ctx)
	if err != nil {
		return err
	}
	port, err := target.MappedPort(ctx, Port)
	if err != nil {
		return err
	}
	return cosemu.NewClient("http://" + net.JoinHostPort(host, port.Port())).Ready(ctx)
}
