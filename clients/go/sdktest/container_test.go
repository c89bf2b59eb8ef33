package sdktest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/testcontainers/testcontainers-go"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
	"github.com/cos-emu/cos-emu/clients/go/container"
	"github.com/cos-emu/cos-emu/clients/go/cosemutest"
)

// run has a container until the end of the test.
func run(t *testing.T, opts ...cosemu.Option) *container.Container {
	t.Helper()
	server, err := container.Run(t.Context(), container.DefaultImage(), container.With(opts...))
	testcontainers.CleanupContainer(t, server)
	check(t, err)
	return server
}

func TestAContainerOffersWhatAProcessDoes(t *testing.T) {
	needContainers(t)
	t.Parallel()
	// A file is handed over as its text, without a mount.
	scenario := filepath.Join(t.TempDir(), "resets.json")
	text := `{ "version": 1, "name": "resets", "rules": [{ "id": "reset", "do": { "reset": { "at": "reply" } } }] }`
	check(t, os.WriteFile(scenario, []byte(text), 0o600))
	server := run(t, cosemu.WithScenario(cosemu.File(scenario)), cosemu.WithOption("control-token", "secret"))

	t.Run("its scenario, and the token", func(t *testing.T) {
		worlds, err := server.Worlds(t.Context())
		check(t, err)
		if len(worlds) != 1 || worlds[0].Name != "resets" || server.Default.Name != "resets" {
			t.Errorf("the worlds are %+v, the default %+v", worlds, server.Default)
		}
	})
	t.Run("worlds, of shipped scenarios too", func(t *testing.T) {
		world := cosemutest.WorldOn(t, server.Client, cosemu.Shipped("slow-down"))
		if world.Name != "slow-down" || world.Endpoint != server.URL() {
			t.Errorf("the world is %+v", world)
		}
		_, err := server.Create(t.Context(), cosemu.Shipped("slowdown"))
		if err == nil || !strings.Contains(err.Error(), "slowdown") {
			t.Errorf("a name that there is not: %v", err)
		}
	})
	t.Run("a CA that TLS trusts", func(t *testing.T) {
		pem, err := server.CA(t.Context())
		check(t, err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		client := http.Client{Transport: &http.Transport{
			Proxy: server.Proxy, TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
		}}
		world := cosemutest.WorldOn(t, server.Client, cosemu.Text(`{ "version": 1, "name": "quiet" }`))
		request, err := http.NewRequest(http.MethodGet, "https://none-1250000000.cos.ap-guangzhou.myqcloud.com/", nil)
		check(t, err)
		request.Header.Set(world.Header.Name, world.Header.Value)
		answer, err := client.Do(request)
		check(t, err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("a bucket that there is not: status %d", answer.StatusCode)
		}
	})
	t.Run("resets that arrive as such by its own address", func(t *testing.T) {
		url, err := server.ContainerURL(t.Context())
		check(t, err)
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if _, err := client.Get(url + "/demo-1250000000/key"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a request ends with %v", err)
		}
	})
}

func TestAContainerIsGoneAfterwards(t *testing.T) {
	needContainers(t)
	t.Parallel()
	server := run(t)
	check(t, server.Terminate(t.Context()))
	if err := server.Ready(t.Context()); err == nil {
		t.Error("the server is still there")
	}
	if _, err := server.Inspect(t.Context()); !errdefs.IsNotFound(err) {
		t.Errorf("the container is still there: %v", err)
	}
}

func TestAContainerTellsAWrongOptionInTheWordsOfTheBinary(t *testing.T) {
	needContainers(t)
	t.Parallel()
	server, err := container.Run(t.Context(), container.DefaultImage(), container.With(cosemu.WithAuth("lenient")))
	testcontainers.CleanupContainer(t, server)
	if err == nil || !strings.Contains(err.Error(), "invalid value 'lenient' for '--auth <MODE>'") {
		t.Errorf("it is %v", err)
	}
}

func TestAContainerRefusesABinary(t *testing.T) {
	server, err := container.Run(t.Context(), container.DefaultImage(), container.With(cosemu.WithBinary("cos-emu")))
	testcontainers.CleanupContainer(t, server)
	if err == nil || !strings.Contains(err.Error(), "WithBinary") {
		t.Errorf("it is %v", err)
	}
}

func TestTheImageIsThatOfTheEnvironment(t *testing.T) {
	t.Setenv("COS_EMU_IMAGE", "registry.example/cos-emu:1")
	if image := container.DefaultImage(); image != "registry.example/cos-emu:1" {
		t.Errorf("it is %s", image)
	}
	t.Setenv("COS_EMU_IMAGE", "")
	if image := container.DefaultImage(); image != "cos-emu:latest" {
		t.Errorf("without it, it is %s", image)
	}
}

func TestAContainerRunsBesideRyuk(t *testing.T) {
	needContainers(t)
	if err := present(t, testcontainers.ReaperDefaultImage); err != nil {
		t.Skipf("Ryuk cannot be pulled here: %v", err)
	}
	// Whether there is a Ryuk is settled once in a process.
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAContainerIsGoneAfterwards$")
	again.Env = append(os.Environ(), "TESTCONTAINERS_RYUK_DISABLED=false")
	if printed, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, printed)
	}
}
