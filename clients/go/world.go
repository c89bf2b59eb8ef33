package cosemu

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// longestWait is how long the server holds an answer back at most.
const longestWait = 300 * time.Second

// mostListed is how many entries of the journal one answer holds at most.
const mostListed = 10_000

// World is one scenario at work: its rules, counters, clock, journal, buckets and vaults. A request belongs to the world
// whose [World.Header] it carries, else to the one whose [World.AccessKey] signed it, else to one that claims it by
// its scenario, else to the default world.
type World struct {
	ID string `json:"id"`
	// Name is that of the scenario.
	Name string `json:"name"`
	// Seed is that of all chance, in the form 0x114.
	Seed string `json:"seed"`
	// Endpoint is the URL to point an SDK at. It is that of the server, unless the scenario claims a port of its own.
	Endpoint string `json:"endpoint"`
	// Header leads a request to this world, whoever signs it.
	Header Header `json:"header"`
	// AccessKey signs for this world. It is nil when the scenario claims its requests in another way, and when the world
	// was not made by this client.
	AccessKey *AccessKey `json:"client"`

	client *Client
}

// Header is one header of a request.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// AccessKey is an access key pair: SecretId and SecretKey of the SDKs.
type AccessKey struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// DialContext connects to the endpoint of the world, whatever address is asked for. As the member DialContext of an
// [http.Transport] it leads requests here that bear the service's own host names.
func (w *World) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	endpoint, err := url.Parse(w.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("cosemu: %w", err)
	}
	port := endpoint.Port()
	if port == "" {
		port = "80"
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, net.JoinHostPort(endpoint.Hostname(), port))
}

// Filter selects entries of the journal. What is left at its zero value selects all; the rest must hold together.
type Filter struct {
	// Op is an operation, such as UploadPart.
	Op     string
	Bucket string
	Key    string
	// Upload is an upload id, Part a part number.
	Upload string
	Part   int
	// Client is an access key id.
	Client string
	// Rule is the id of a rule that matched, and Outcome what became of one, such as fired.
	Rule    string
	Outcome string
	// Status is that of the answer.
	Status int
	// From is the first number of an entry, and Limit the most entries: 10,000 when it is 0, and never more.
	From  int
	Limit int
}

func (f Filter) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"op": f.Op, "bucket": f.Bucket, "key": f.Key, "upload": f.Upload, "client": f.Client, "rule": f.Rule,
		"outcome": f.Outcome,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, value := range map[string]int{"part": f.Part, "status": f.Status, "from": f.From, "limit": f.Limit} {
		if value != 0 {
			query.Set(name, strconv.Itoa(value))
		}
	}
	return query
}

// Journal is what came so far, as far as the filter selects it.
func (w *World) Journal(ctx context.Context, filter Filter) (*Journal, error) {
	return w.journal(ctx, filter.query(), 0)
}

// WaitFor waits until the journal has so many entries that the filter selects, and returns them. After the timeout it
// returns those that there are, and an error that is [ErrTimeout]. The filter's Limit is of no account.
func (w *World) WaitFor(ctx context.Context, count int, filter Filter, timeout time.Duration) (*Journal, error) {
	if count > mostListed {
		return nil, fmt.Errorf("cosemu: %d exchanges cannot be waited for, %d at most", count, mostListed)
	}
	filter.Limit = 0
	query := filter.query()
	query.Set("wait", strconv.Itoa(count))
	end := time.Now().Add(timeout)
	for {
		held := min(max(time.Until(end), 0), longestWait)
		query.Set("timeout", milliseconds(held))
		journal, err := w.journal(ctx, query, held)
		if err != nil || len(journal.Exchanges) >= count {
			return journal, err
		}
		if !time.Now().Before(end) {
			return journal, fmt.Errorf("cosemu: %w: %d of %d exchanges came within %s",
				ErrTimeout, len(journal.Exchanges), count, timeout)
		}
	}
}

func (w *World) journal(ctx context.Context, query url.Values, held time.Duration) (*Journal, error) {
	asked := w.request(http.MethodGet, "/journal")
	asked.query = query
	asked.timeout = held + answerTimeout
	journal := new(Journal)
	if err := w.client.read(ctx, asked, journal); err != nil {
		return nil, err
	}
	return journal, nil
}

// Explain says in plain words why each rule did or did not act on the n-th exchange.
func (w *World) Explain(ctx context.Context, n int) (string, error) {
	text, err := w.client.call(ctx, w.request(http.MethodGet, "/journal/"+strconv.Itoa(n)+"/explain"))
	return string(text), err
}

// Verdict judges whether each fault happened and the client coped. A verdict that does not hold is no error.
func (w *World) Verdict(ctx context.Context) (*Verdict, error) {
	asked := w.request(http.MethodPost, "/verdict")
	asked.accepted = http.StatusConflict
	return w.verdict(ctx, asked)
}

func (w *World) verdict(ctx context.Context, asked request) (*Verdict, error) {
	verdict := new(Verdict)
	if err := w.client.read(ctx, asked, verdict); err != nil {
		return nil, err
	}
	return verdict, nil
}

// Counts tells how often each rule matched and fired.
func (w *World) Counts(ctx context.Context) (*Counts, error) {
	counts := new(Counts)
	if err := w.client.read(ctx, w.request(http.MethodGet, ""), counts); err != nil {
		return nil, err
	}
	return counts, nil
}

// Reset puts everything back to the start, with the same seed: counters, journal, clock, buckets and vaults.
func (w *World) Reset(ctx context.Context) error {
	asked := w.request(http.MethodPost, "/reset")
	asked.timeout = furnishTimeout
	_, err := w.client.call(ctx, asked)
	return err
}

// Delete ends the world, and judges a last time. The server refuses it for the default world, by a [ProblemError] with
// status 409.
func (w *World) Delete(ctx context.Context) (*Verdict, error) {
	return w.verdict(ctx, w.request(http.MethodDelete, ""))
}

// Clock tells the time of the world. Jobs, uploads, tokens and signatures go by it.
func (w *World) Clock(ctx context.Context) (Clock, error) {
	return w.clock(ctx, w.request(http.MethodGet, "/clock"))
}

// FreezeClock makes the clock stand still at an instant, to the millisecond.
func (w *World) FreezeClock(ctx context.Context, at time.Time) (Clock, error) {
	return w.setClock(ctx, "freeze", at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// AdvanceClock puts the clock forward, whether it runs or stands still. To the millisecond; never back.
func (w *World) AdvanceClock(ctx context.Context, by time.Duration) (Clock, error) {
	return w.setClock(ctx, "advance", milliseconds(by))
}

// SkewClock makes the clock run with a difference from real time, to the millisecond; a negative one is late.
func (w *World) SkewClock(ctx context.Context, by time.Duration) (Clock, error) {
	sign := "+"
	if by < 0 {
		sign = "-"
	}
	return w.setClock(ctx, "skew", sign+milliseconds(by.Abs()))
}

// RunClock lets a clock run on that stands still.
func (w *World) RunClock(ctx context.Context) (Clock, error) {
	return w.setClock(ctx, "run", true)
}

func (w *World) setClock(ctx context.Context, how string, value any) (Clock, error) {
	body, err := json.Marshal(map[string]any{how: value})
	if err != nil {
		return Clock{}, fmt.Errorf("cosemu: %w", err)
	}
	asked := w.request(http.MethodPut, "/clock")
	asked.body = body
	return w.clock(ctx, asked)
}

func (w *World) clock(ctx context.Context, asked request) (Clock, error) {
	var clock struct {
		Now     time.Time `json:"now"`
		Running bool      `json:"run"`
		SkewMS  int64     `json:"skew_ms"`
	}
	if err := w.client.read(ctx, asked, &clock); err != nil {
		return Clock{}, err
	}
	return Clock{Now: clock.Now, Running: clock.Running, Skew: time.Duration(clock.SkewMS) * time.Millisecond}, nil
}

func (w *World) request(method, below string) request {
	return request{method: method, path: "v1/scenarios/" + url.PathEscape(w.ID) + below}
}

// milliseconds writes a duration as the server reads it, which knows one unit at a time.
func milliseconds(duration time.Duration) string {
	return strconv.FormatInt(duration.Milliseconds(), 10) + "ms"
}
