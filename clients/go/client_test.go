package cosemu_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cosemu "github.com/cos-emu/cos-emu/clients/go"
)

const busy = `{
  "version": 1,
  "name": "busy",
  "rules": [{ "id": "busy", "when": { "op": "PutObject" }, "do": { "error": { "status": 503, "code": "SlowDown" } } }]
}`

func TestAClientThatDoesNotRetryDoesNotCope(t *testing.T) {
	server := start(t, cosemu.WithScenario(cosemu.Shipped("reset-mid-upload")), cosemu.WithBuckets(bucket))
	if status, err := put(t, server.Default, "key", strings.Repeat("x", 1<<20)); err == nil {
		t.Errorf("the upload was not reset, but answered with %d", status)
	}
	verdict := got(server.Default.Verdict(t.Context()))(t)
	if verdict.Holds {
		t.Error("the verdict holds")
	}
	for _, expected := range []string{
		"reset-mid-upload",
		verdict.Seed,
		"requests[0]: as many requests came as expected",
		"any request with attempt number 2 or later: 0 came, not at least 1",
	} {
		if !strings.Contains(verdict.String(), expected) {
			t.Errorf("%q is missing in:\n%s", expected, verdict)
		}
	}
}

func TestTwoWorldsDoNotDisturbEachOther(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket))
	first := got(server.Create(t.Context(), cosemu.Text(busy)))(t)
	second := got(server.Create(t.Context(), cosemu.JSON(map[string]any{"version": 1, "name": "quiet"})))(t)
	if status, err := put(t, first, "key", "1"); status != http.StatusServiceUnavailable {
		t.Errorf("in the first: status %d, %v", status, err)
	}
	// One that is found again is reached like the one that was made.
	mustPut(t, got(server.World(t.Context(), second.ID))(t), "key", "2")

	if count := got(first.Counts(t.Context()))(t).Rule("busy"); count.Firings != 1 || !count.Fulfilled {
		t.Errorf("the rule: %+v", count)
	}
	for _, world := range []*cosemu.World{first, second} {
		if n := len(got(world.Journal(t.Context(), cosemu.Filter{}))(t).Exchanges); n != 1 {
			t.Errorf("the journal of %s has %d entries", world.Name, n)
		}
		if world.AccessKey == nil || world.AccessKey.ID == "" || world.AccessKey.Key == "" {
			t.Errorf("the access key of %s is %v", world.Name, world.AccessKey)
		}
	}
	if n := len(got(server.Worlds(t.Context()))(t)); n != 3 {
		t.Errorf("there are %d worlds", n)
	}

	verdict := got(second.Delete(t.Context()))(t)
	if !verdict.Holds || verdict.Scenario != "quiet" || !strings.Contains(verdict.String(), "the client coped") {
		t.Errorf("the last verdict: %s", verdict)
	}
	_, err := server.World(t.Context(), second.ID)
	problem(t, err, http.StatusNotFound)
}

func TestAMistakeInAScenarioIsToldWithItsPlace(t *testing.T) {
	server := start(t)
	_, err := server.Create(t.Context(), cosemu.Text("{\n  \"version\": 1, \"name\": \"x\",\n  \"rulez\": []\n}"))
	refusal := problem(t, err, http.StatusUnprocessableEntity)
	if len(refusal.Mistakes) != 1 {
		t.Fatalf("there is not one mistake in %+v", refusal)
	}
	expected := cosemu.Mistake{
		Code: "E203", Line: 3, Column: 3, Message: `unknown field "rulez"`, Hint: `did you mean "rules"?`,
	}
	if refusal.Mistakes[0] != expected {
		t.Errorf("the mistake is %+v", refusal.Mistakes[0])
	}
	if !strings.Contains(err.Error(), `E203 at line 3, column 3: unknown field "rulez" (did you mean "rules"?)`) {
		t.Errorf("the error reads: %v", err)
	}
}

func TestTheDefaultWorldCannotBeDeleted(t *testing.T) {
	server := start(t)
	_, err := server.Default.Delete(t.Context())
	problem(t, err, http.StatusConflict)
}

func TestTheJournalTellsWhatArrivedAndWhatWasDone(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket), cosemu.WithScenario(cosemu.Shipped("reset-mid-upload")))
	if _, err := put(t, server.Default, "a/b", "four"); err == nil {
		t.Error("it was not reset")
	}
	mustPut(t, server.Default, "a/b", "four")
	journal := got(server.Default.Journal(t.Context(), cosemu.Filter{Op: "PutObject", Bucket: bucket, Key: "a/b"}))(t)
	if len(journal.Exchanges) != 2 || journal.Next != 3 || journal.Dropped != 0 {
		t.Fatalf("the journal is %+v", journal)
	}
	cut, whole := journal.Exchanges[0], journal.Exchanges[1]
	if cut.N != 1 || cut.Method != "PUT" || cut.Path != "/"+bucket+"/a/b" || cut.Attempt != 1 || cut.Applied {
		t.Errorf("the first exchange is %+v", cut)
	}
	if cut.Answer != nil || cut.Ended != "reset" || cut.Received.Bytes != 2 || *cut.Received.Declared != 4 {
		t.Errorf("the first exchange is %+v", cut)
	}
	if len(cut.Rules) != 1 || cut.Rules[0] != (cosemu.RuleRecord{ID: "reset-in-object", Outcome: "fired"}) {
		t.Errorf("the rules of the first are %+v", cut.Rules)
	}
	if len(cut.Actions) != 1 || cut.Actions[0].Name != "reset" || *cut.Actions[0].Offset != 2 {
		t.Errorf("the actions of the first are %+v", cut.Actions)
	}
	if whole.Answer == nil || whole.Answer.Status != http.StatusOK || whole.Attempt != 2 || !whole.Applied {
		t.Errorf("the second exchange is %+v", whole)
	}
	if !strings.Contains(string(whole.Raw), `"service": "cos"`) {
		t.Errorf("the second is, whole: %s", whole.Raw)
	}
	words := got(server.Default.Explain(t.Context(), 1))(t)
	if !strings.Contains(words, `rule "reset-in-object" fired`) {
		t.Errorf("the first is explained as: %s", words)
	}
}

func TestTheJournalIsReadInPages(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket))
	for _, key := range []string{"1", "2", "3"} {
		mustPut(t, server.Default, key, key)
	}
	first := got(server.Default.Journal(t.Context(), cosemu.Filter{Limit: 2}))(t)
	rest := got(server.Default.Journal(t.Context(), cosemu.Filter{Limit: 2, From: first.Next}))(t)
	if len(first.Exchanges) != 2 || len(rest.Exchanges) != 1 || rest.Exchanges[0].Key != "3" {
		t.Errorf("the pages are %+v and %+v", first, rest)
	}
}

func TestResetEmptiesTheJournal(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket))
	mustPut(t, server.Default, "key", "body")
	check(t, server.Default.Reset(t.Context()))
	if journal := got(server.Default.Journal(t.Context(), cosemu.Filter{}))(t); len(journal.Exchanges) != 0 {
		t.Errorf("the journal is %+v", journal)
	}
}

func TestTheClockIsFrozenAdvancedSkewedAndRuns(t *testing.T) {
	world := start(t).Default
	instant := time.Date(2024, 5, 1, 8, 0, 0, int(250*time.Millisecond), time.FixedZone("", 8*60*60))
	if clock := got(world.FreezeClock(t.Context(), instant))(t); clock.Running || !clock.Now.Equal(instant) {
		t.Errorf("frozen it is %+v", clock)
	}
	later := instant.Add(4*time.Hour + 1500*time.Millisecond)
	if clock := got(world.AdvanceClock(t.Context(), later.Sub(instant)))(t); clock.Running || !clock.Now.Equal(later) {
		t.Errorf("advanced it is %+v", clock)
	}
	if clock := got(world.RunClock(t.Context()))(t); !clock.Running || clock.Now.Before(later) {
		t.Errorf("running it is %+v", clock)
	}
	for _, skew := range []time.Duration{-20 * time.Minute, 1500 * time.Millisecond} {
		clock := got(world.SkewClock(t.Context(), skew))(t)
		if !clock.Running || clock.Skew != skew || time.Until(clock.Now.Add(-skew)).Abs() > time.Minute {
			t.Errorf("skewed by %s it is %+v", skew, clock)
		}
	}
	if clock := got(world.Clock(t.Context()))(t); clock.Skew != 1500*time.Millisecond {
		t.Errorf("read it is %+v", clock)
	}
	_, err := world.AdvanceClock(t.Context(), -time.Second)
	problem(t, err, http.StatusBadRequest)
}

func TestWaitForReturnsWhenTheExchangesArrive(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket))
	go func() {
		time.Sleep(100 * time.Millisecond)
		_, _ = put(t, server.Default, "other", "")
		_, _ = put(t, server.Default, "late", "")
		_, _ = put(t, server.Default, "late", "")
	}()
	began := time.Now()
	filter := cosemu.Filter{Key: "late", Limit: 1}
	journal := got(server.Default.WaitFor(t.Context(), 2, filter, time.Minute))(t)
	if len(journal.Exchanges) != 2 || journal.Exchanges[0].Key != "late" {
		t.Errorf("the journal is %+v", journal)
	}
	if took := time.Since(began); took < 100*time.Millisecond || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestWaitForTellsWhatCameWhenTheTimeIsUp(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket))
	mustPut(t, server.Default, "key", "")
	journal, err := server.Default.WaitFor(t.Context(), 2, cosemu.Filter{}, 50*time.Millisecond)
	if !errors.Is(err, cosemu.ErrTimeout) || len(journal.Exchanges) != 1 {
		t.Errorf("it returned %+v and %v", journal, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := server.Default.WaitFor(ended, 2, cosemu.Filter{}, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled, it returned %v", err)
	}
}

func TestTheCAIsTrustedByTLS(t *testing.T) {
	server := start(t)
	path := filepath.Join(t.TempDir(), "ca.pem")
	check(t, server.WriteCA(t.Context(), path))
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(got(os.ReadFile(path))(t)) {
		t.Fatal("the file holds no certificate")
	}
	trusting := func() *http.Transport {
		return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	}
	direct, proxied, dialled := trusting(), trusting(), trusting()
	proxied.Proxy = server.Proxy
	dialled.DialContext = server.Default.DialContext
	overTLS := strings.Replace(server.URL(), "http://", "https://", 1)
	for name, expectation := range map[string]struct {
		transport *http.Transport
		url       string
		status    int
	}{
		"at its address":          {direct, overTLS + "/_cos-emu/readyz", http.StatusOK},
		"by a real name, proxied": {proxied, "https://none-1250000000.cos.ap-guangzhou.myqcloud.com/", http.StatusNotFound},
		"by a real name, dialled": {dialled, "https://none-1250000000.cos.ap-guangzhou.myqcloud.com/", http.StatusNotFound},
	} {
		answer, err := (&http.Client{Transport: expectation.transport}).Get(expectation.url)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != expectation.status {
			t.Errorf("%s: status %d", name, answer.StatusCode)
		}
	}
}

func TestAWorldMayHaveAPortOfItsOwn(t *testing.T) {
	server := start(t, cosemu.WithBuckets(bucket))
	world := got(server.Create(t.Context(), cosemu.Text(`{ "version": 1, "name": "own", "claim": { "port": 0 } }`)))(t)
	if world.Endpoint == server.URL() {
		t.Fatal("its endpoint is that of the server")
	}
	client := http.Client{Transport: &http.Transport{DialContext: world.DialContext, DisableKeepAlives: true}}
	answer := got(client.Get("http://" + bucket + ".cos.ap-guangzhou.myqcloud.com/key"))(t)
	answer.Body.Close()
	if journal := got(world.Journal(t.Context(), cosemu.Filter{Key: "key"}))(t); len(journal.Exchanges) != 1 {
		t.Errorf("the journal is %+v", journal)
	}
}

func TestTheControlTokenIsSent(t *testing.T) {
	server := start(t, cosemu.WithOption("control-token", "secret"))
	if _, err := server.Worlds(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := cosemu.NewClient(server.URL()).Worlds(t.Context())
	problem(t, err, http.StatusUnauthorized)
}

func TestAnAnswerOfSomethingElseIsTold(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if strings.HasSuffix(r.URL.Path, "/readyz") {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, "<h1>a gateway</h1>")
	}))
	defer other.Close()
	client := cosemu.NewClient(other.URL)

	err := client.Ready(t.Context())
	var unexpected *cosemu.UnexpectedError
	if !errors.As(err, &unexpected) || unexpected.Status != http.StatusBadGateway {
		t.Errorf("it is %v", err)
	}
	for _, expected := range []string{"GET " + other.URL + "/_cos-emu/readyz", "502", "text/html", "a gateway"} {
		if err != nil && !strings.Contains(err.Error(), expected) {
			t.Errorf("%q is missing in %v", expected, err)
		}
	}
	if _, err := client.Worlds(t.Context()); err == nil || !strings.Contains(err.Error(), "a gateway") {
		t.Errorf("it is %v", err)
	}
	if err := client.WaitUntilReady(t.Context(), 50*time.Millisecond); !errors.Is(err, cosemu.ErrTimeout) {
		t.Errorf("it is %v", err)
	}
}

func TestAShippedScenarioNeedsABinary(t *testing.T) {
	server := start(t)
	world := got(server.Create(t.Context(), cosemu.Shipped("slow-down")))(t)
	if world.Name != "slow-down" {
		t.Errorf("it is %q", world.Name)
	}
	if _, err := server.Create(t.Context(), cosemu.Shipped("slowdown")); err == nil || !strings.Contains(err.Error(), "slowdown") {
		t.Errorf("a name that there is not: %v", err)
	}
	_, err := cosemu.NewClient(server.URL()).Create(t.Context(), cosemu.Shipped("slow-down"))
	if err == nil || !strings.Contains(err.Error(), "WithShipped") {
		t.Errorf("without a binary: %v", err)
	}
}

func TestAScenarioThatCannotBeHadIsAnError(t *testing.T) {
	server := start(t)
	for name, scenario := range map[string]cosemu.Scenario{
		"a file that is missing": cosemu.File("/no/such/file.json"),
		"a value without a form": cosemu.JSON(make(chan int)),
		"nothing":                {},
		"an empty text":          cosemu.Text(""),
	} {
		if world, err := server.Create(t.Context(), scenario); err == nil {
			t.Errorf("%s: it made %+v", name, world)
		}
	}
	if _, err := server.Create(t.Context(), cosemu.File("/no/such/file.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
}

// problem expects a refusal with this status.
func problem(t *testing.T, err error, status int) *cosemu.ProblemError {
	t.Helper()
	var refusal *cosemu.ProblemError
	if !errors.As(err, &refusal) || refusal.Status != status || refusal.Title == "" || refusal.Detail == "" {
		t.Fatalf("it is no refusal with %d, but: %v", status, err)
	}
	if !strings.Contains(err.Error(), refusal.Detail) {
		t.Errorf("the detail is missing in: %v", err)
	}
	return refusal
}
