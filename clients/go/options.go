package cosemu

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Option says how a server is started, as a process by [Start] or as a container.
type Option func(*settings)

// Auth is how strictly signatures are checked.
type Auth string

const (
	// AuthOff ignores signatures.
	AuthOff Auth = "off"
	// AuthCheck verifies a signature by a known key, and lets an unknown key or none pass.
	AuthCheck Auth = "check"
	// AuthStrict is as the real service.
	AuthStrict Auth = "strict"
)

// settings are what the options say.
type settings struct {
	// The values of options by their names; those of options that are repeatable are lists.
	values   map[string][]string
	scenario *Scenario
	binary   string
}

// WithScenario is the scenario of the default world. Without it nothing goes wrong.
func WithScenario(scenario Scenario) Option {
	return func(s *settings) { s.scenario = &scenario }
}

// WithBuckets are buckets that exist at the start, in every world: NAME-APPID, or NAME-APPID@REGION.
func WithBuckets(names ...string) Option {
	return func(s *settings) { s.values["bucket"] = append(s.values["bucket"], names...) }
}

// WithVaults are vaults that exist at the start, in every world.
func WithVaults(names ...string) Option {
	return func(s *settings) { s.values["vault"] = append(s.values["vault"], names...) }
}

// WithCredential is a known access key pair, in the place of AKIDcosemu and cosemu. Given again, it adds another.
func WithCredential(id, key string) Option {
	return func(s *settings) { s.values["credential"] = append(s.values["credential"], id+":"+key) }
}

// WithTemporaryCredential is a known access key pair that counts together with a token alone.
func WithTemporaryCredential(id, key, token string) Option {
	return WithCredential(id, key+":"+token)
}

// WithSeed is the seed of all chance, in the place of that of the scenario. A verdict tells it in the form 0x114.
func WithSeed(seed uint64) Option { return WithOption("seed", fmt.Sprintf("%#x", seed)) }

// WithAuth is how strictly signatures are checked; without it [AuthCheck].
func WithAuth(auth Auth) Option { return WithOption("auth", string(auth)) }

// WithOption sets any option of the command line by its name, such as "max-memory" to "64MiB". One that is a switch is
// set to "true". "control-listen" is refused, because the control API is looked for on the port of the data.
func WithOption(name, value string) Option {
	return func(s *settings) { s.values[name] = []string{value} }
}

// WithBinary is the path of the binary that [Start] runs, or its name in PATH. Without it, that is the value of
// COS_EMU_BINARY, else cos-emu. A container has its own and refuses this option.
func WithBinary(path string) Option { return func(s *settings) { s.binary = path } }

// Environment is what the options are in the environment of a server elsewhere, such as in a container: there a scenario
// file is handed over as its text.
func Environment(opts ...Option) (map[string]string, error) {
	s := collected(opts)
	if s.binary != "" {
		return nil, fmt.Errorf("cosemu: WithBinary(%q) is for Start alone", s.binary)
	}
	return s.environment(false)
}

func collected(opts []Option) *settings {
	s := &settings{values: map[string][]string{}}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// environment hands a scenario file over as its text, or, to a server that sees the same files, as its path: then its
// messages name the file, and what the file names beside itself is found.
func (s *settings) environment(sameFiles bool) (map[string]string, error) {
	if address, ok := s.values["control-listen"]; ok {
		return nil, fmt.Errorf("cosemu: the control API has to stay on the port of the data, not at %s", address)
	}
	env := map[string]string{}
	for name, values := range s.values {
		env[variable(name)] = strings.Join(values, ",")
	}
	switch {
	case s.scenario == nil:
	case s.scenario.name != "":
		env["COS_EMU_SCENARIO"] = s.scenario.name
	case s.scenario.path != "" && sameFiles:
		path, err := filepath.Abs(s.scenario.path)
		if err != nil {
			return nil, fmt.Errorf("cosemu: the scenario cannot be found: %w", err)
		}
		env["COS_EMU_SCENARIO"] = path
	default:
		text, err := s.scenario.document()
		if err != nil {
			return nil, err
		}
		env["COS_EMU_SCENARIO_JSON"] = text
	}
	return env, nil
}

// variable is the name in the environment of an option of the command line.
func variable(option string) string {
	return "COS_EMU_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}
