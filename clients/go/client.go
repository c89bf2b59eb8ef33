package cosemu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// apiPath is where the control API lives, on the port that serves buckets too.
	apiPath = "/_cos-emu/"
	// answerTimeout is how long an answer may take, beside what is waited for on purpose.
	answerTimeout = 10 * time.Second
	// furnishTimeout is the same where the objects and archives of a scenario are made, about a second for each GiB.
	furnishTimeout = time.Minute
	// pollInterval is how often it is looked whether a server is ready.
	pollInterval = 20 * time.Millisecond
)

// Client talks to the control API of one server. It may be used by several goroutines at once. It never goes through
// the proxy of the environment, which often is cos-emu itself.
type Client struct {
	url     string
	token   string
	shipped func(ctx context.Context, name string) (string, error)
	http    *http.Client
}

// ClientOption changes what [NewClient] makes.
type ClientOption func(*Client)

// WithToken sends a token with each request, for a server with --control-token.
func WithToken(token string) ClientOption {
	return func(c *Client) { c.token = token }
}

// WithShipped tells where the text of a shipped scenario comes from, so that [Client.Create] takes [Shipped]: the control
// API cannot tell it. The clients of a [Process] and of a container ask their own binary.
func WithShipped(text func(ctx context.Context, name string) (string, error)) ClientOption {
	return func(c *Client) { c.shipped = text }
}

// NewClient makes a client of the server at a URL such as http://127.0.0.1:3077. Nothing is sent yet.
func NewClient(url string, opts ...ClientOption) *Client {
	c := &Client{
		url: strings.TrimRight(url, "/"),
		// Without connections that are kept, nothing is left behind when the server goes, and nothing has to be closed.
		http: &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}},
	}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// URL is where the server is: what an SDK is pointed at, and what HTTP_PROXY and HTTPS_PROXY may be set to.
func (c *Client) URL() string { return c.url }

// Proxy makes the server the proxy of an [http.Transport], as its member Proxy. Real host names then lead to it, over
// http as they are, over https for those who trust [Client.CA].
func (c *Client) Proxy(*http.Request) (*url.URL, error) { return url.Parse(c.url) }

// CA is the certificate, in PEM, of the CA that signs for whatever host is asked for over https.
func (c *Client) CA(ctx context.Context) ([]byte, error) {
	return c.call(ctx, request{method: http.MethodGet, path: "ca.pem"})
}

// WriteCA writes the certificate of [Client.CA] to a file, for programs that take a path.
func (c *Client) WriteCA(ctx context.Context, path string) error {
	pem, err := c.CA(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem, 0o644)
}

// Ready is nil when the server serves.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.call(ctx, request{method: http.MethodGet, path: "readyz"})
	return err
}

// WaitUntilReady asks until the server serves. After the timeout the error is [ErrTimeout], and says what came last.
func (c *Client) WaitUntilReady(ctx context.Context, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		err := c.Ready(waiting)
		if err == nil {
			return nil
		}
		select {
		case <-waiting.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("cosemu: waiting for %s to be ready: %w", c.url, ctx.Err())
			}
			return fmt.Errorf("%w: %s is not ready after %s: %w", ErrTimeout, c.url, timeout, err)
		case <-time.After(pollInterval):
		}
	}
}

// Worlds lists the worlds of the server, that of its command line among them. Access keys are not told again.
func (c *Client) Worlds(ctx context.Context) ([]*World, error) {
	var all []Counts
	if err := c.read(ctx, request{method: http.MethodGet, path: "v1/scenarios"}, &all); err != nil {
		return nil, err
	}
	worlds := make([]*World, len(all))
	for i, counts := range all {
		worlds[i] = c.found(counts)
	}
	return worlds, nil
}

// DefaultWorld is the world of the server's command line. It has no access key of its own: requests that no other world
// claims belong to it.
func (c *Client) DefaultWorld(ctx context.Context) (*World, error) {
	return c.World(ctx, "default")
}

// World finds a world by its id. Its access key is not told again.
func (c *Client) World(ctx context.Context, id string) (*World, error) {
	counts, err := (&World{ID: id, client: c}).Counts(ctx)
	if err != nil {
		return nil, err
	}
	return c.found(*counts), nil
}

// Create makes a world of a scenario. A mistake in it is a [ProblemError] that says where it is; nothing is made then.
func (c *Client) Create(ctx context.Context, scenario Scenario) (*World, error) {
	text, err := c.text(ctx, scenario)
	if err != nil {
		return nil, err
	}
	world := &World{client: c}
	create := request{method: http.MethodPost, path: "v1/scenarios", body: []byte(text), timeout: furnishTimeout}
	if err := c.read(ctx, create, world); err != nil {
		return nil, err
	}
	return world, nil
}

func (c *Client) text(ctx context.Context, scenario Scenario) (string, error) {
	if scenario.name == "" {
		return scenario.document()
	}
	if c.shipped == nil {
		return "", fmt.Errorf("cosemu: no text is known of the shipped scenario %q: "+
			"give the client WithShipped, or use that of a Process or a container", scenario.name)
	}
	return c.shipped(ctx, scenario.name)
}

func (c *Client) found(counts Counts) *World {
	return &World{
		ID:       counts.ID,
		Name:     counts.Name,
		Seed:     counts.Seed,
		Endpoint: c.url,
		Header:   Header{Name: "x-emu-scenario", Value: counts.ID},
		client:   c,
	}
}

// request is one request of the control API.
type request struct {
	method string
	// Below apiPath.
	path  string
	query url.Values
	body  []byte
	// How long the answer may take; answerTimeout when it is 0.
	timeout time.Duration
	// A status beside those from 200 to 299 that is no error.
	accepted int
}

// read decodes the JSON of the answer.
func (c *Client) read(ctx context.Context, asked request, into any) error {
	body, err := c.call(ctx, asked)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("cosemu: the answer to %s %s is not what was expected: %w: %s",
			asked.method, c.at(asked), err, excerpt(body))
	}
	return nil
}

func (c *Client) at(asked request) string {
	at := c.url + apiPath + asked.path
	if len(asked.query) > 0 {
		at += "?" + asked.query.Encode()
	}
	return at
}

func (c *Client) call(ctx context.Context, asked request) ([]byte, error) {
	timeout := asked.timeout
	if timeout == 0 {
		timeout = answerTimeout
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeout,
		fmt.Errorf("%w: no answer came within %s", ErrTimeout, timeout))
	defer cancel()
	sent, err := http.NewRequestWithContext(limited, asked.method, c.at(asked), bytes.NewReader(asked.body))
	if err != nil {
		return nil, fmt.Errorf("cosemu: %w", err)
	}
	sent.Header.Set("Accept", "application/json")
	if asked.body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		sent.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(sent)
	if err != nil {
		return nil, broken(limited, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, broken(limited, err)
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case kind == "application/problem+json":
		problem := &ProblemError{Asked: asked.method + " " + c.at(asked)}
		if json.Unmarshal(body, problem) == nil {
			return nil, problem
		}
	case answer.StatusCode/100 == 2 || answer.StatusCode == asked.accepted:
		return body, nil
	}
	return nil, &UnexpectedError{
		Asked: asked.method + " " + c.at(asked), Status: answer.StatusCode, ContentType: kind, Body: excerpt(body),
	}
}

// broken is the error of an exchange that did not come to its end; it says so when the time was up.
func broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrTimeout) {
		return fmt.Errorf("cosemu: %w: %w", cause, err)
	}
	return fmt.Errorf("cosemu: %w", err)
}
