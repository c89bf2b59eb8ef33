package cosemu

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Journal is what came to a world, or a selection of it.
type Journal struct {
	Exchanges []Exchange `json:"exchanges"`
	// Dropped is how many older entries the server has forgotten.
	Dropped int `json:"dropped"`
	// Next is the number behind the last that was looked at: the From of the next page.
	Next int `json:"next"`
}

// Exchange is one request and what became of it. Texts and numbers that do not apply are empty.
type Exchange struct {
	// N is the number of the entry, from 1.
	N int `json:"n"`
	// Connection is the number of the connection, and Request that of the request on it, from 1.
	Connection int `json:"connection"`
	Request    int `json:"request"`
	// At is when the head of the request was complete, by the clock of the world; TookMS how long it took from then on.
	At     time.Time `json:"at"`
	TookMS int       `json:"took_ms"`

	// Op is the operation of the service, such as UploadPart.
	Op     string `json:"op"`
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Vault  string `json:"vault"`
	// Upload is the upload id, and Part the part number.
	Upload string `json:"upload"`
	Part   int    `json:"part"`
	// Client is the access key id that signed; Signature is valid, unknown-key, none, not-checked, or why it was refused.
	Client    string `json:"client"`
	Signature string `json:"signature"`
	// Attempt counts how often the same request came, from 1.
	Attempt int `json:"attempt"`

	// What was sent. Headers are pairs of name and value.
	Method  string      `json:"method"`
	Host    string      `json:"host"`
	Path    string      `json:"path"`
	Query   string      `json:"query"`
	Headers [][2]string `json:"headers"`
	// Received is what arrived of the body.
	Received Received `json:"received"`

	// Rules are those that matched, and Actions what was done.
	Rules   []RuleRecord `json:"rules"`
	Actions []Action     `json:"actions"`
	// Applied says whether the store was changed as the request asked.
	Applied bool `json:"applied"`
	// Answer is nil when nothing was answered.
	Answer *Answer `json:"answer"`
	// Ended is keep-alive, close, half-close, reset, client-close or client-reset; empty while the exchange goes on.
	Ended string `json:"ended"`
	// Notes are remarks: what was left out, what was let pass.
	Notes []string `json:"notes"`

	// Raw is all of the entry.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON reads an entry, and keeps it whole as Raw.
func (e *Exchange) UnmarshalJSON(entry []byte) error {
	type plain Exchange
	if err := json.Unmarshal(entry, (*plain)(e)); err != nil {
		return err
	}
	e.Raw = append(json.RawMessage(nil), entry...)
	return nil
}

// Received is what arrived of the body of a request.
type Received struct {
	// Declared is the length that the request announced, in bytes; nil when it did not.
	Declared *int64 `json:"declared"`
	// Bytes is how many were read, and SHA256 their hash, in hex.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// RuleRecord is what became of a rule that matched.
type RuleRecord struct {
	ID string `json:"id"`
	// Outcome is fired, not-due, shadowed, not-reached or refused; no-match for the nearest rule that did not match.
	Outcome string `json:"outcome"`
}

// Action is one thing that was done to an exchange.
type Action struct {
	// Name is that of the action, such as reset.
	Name string `json:"action"`
	// At is the moment, such as upload, and Offset the byte of the body; empty and nil for actions that have none.
	At     string `json:"at"`
	Offset *int64 `json:"offset"`
	// Effect says it in words.
	Effect string `json:"effect"`
}

// Answer is what was answered.
type Answer struct {
	Status int `json:"status"`
	// Code is that of an error, such as SlowDown.
	Code string `json:"code"`
	// Bytes is how many of the body were sent.
	Bytes int64 `json:"bytes"`
}

// Counts tells how often the rules of a world matched and fired.
type Counts struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Seed string `json:"seed"`
	// State is that which the service is in, when the scenario has states.
	State string `json:"state"`
	// Rules are those of requests, Connections those of connections.
	Rules       []Count `json:"rules"`
	Connections []Count `json:"connections"`
}

// Rule is the count of the rule with this id, of requests or of connections; that of a rule that there is not is zero.
func (c *Counts) Rule(id string) Count {
	for _, rules := range [][]Count{c.Rules, c.Connections} {
		for _, rule := range rules {
			if rule.ID == id {
				return rule
			}
		}
	}
	return Count{}
}

// Count is that of one rule.
type Count struct {
	ID string `json:"id"`
	// Matches is how often its condition held, and Firings how often it acted.
	Matches int `json:"matches"`
	Firings int `json:"firings"`
	// MustFire says how often it has to fire, and Fulfilled whether it did.
	MustFire  MustFire `json:"must_fire"`
	Fulfilled bool     `json:"fulfilled"`
}

// MustFire says how often a rule has to fire. Max is nil when there is no most.
type MustFire struct {
	Min int  `json:"min"`
	Max *int `json:"max"`
}

// Verdict says whether the faults happened and the client coped.
type Verdict struct {
	// Scenario is the name of the scenario.
	Scenario string `json:"scenario"`
	Seed     string `json:"seed"`
	Holds    bool   `json:"holds"`
	// Exchanges is how many were judged, and Dropped how many the journal had forgotten.
	Exchanges int    `json:"exchanges"`
	Dropped   int    `json:"dropped"`
	Cases     []Case `json:"cases"`
}

// Outcome is that of one check of a verdict.
type Outcome string

const (
	// Passed is that of a check that holds.
	Passed Outcome = "passed"
	// Failed is that of one that does not, and so the verdict does not either.
	Failed Outcome = "failed"
	// Skipped is that of one that was not looked at.
	Skipped Outcome = "skipped"
)

// Case is one check.
type Case struct {
	// Name is short, such as V04 or rules/cut-part-3; Title says what has to hold.
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	// Reasons say what did not hold, or why it was not looked at.
	Reasons []string `json:"reasons"`
}

// String says what came out, with a line for each reason of each check that failed: a message for a test.
func (v *Verdict) String() string {
	var failed []Case
	for _, check := range v.Cases {
		if check.Outcome == Failed {
			failed = append(failed, check)
		}
	}
	if v.Holds {
		return fmt.Sprintf("scenario %q, seed %s: the client coped, in %d exchanges", v.Scenario, v.Seed, v.Exchanges)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "scenario %q, seed %s: the client did not cope: %d of %d checks failed, in %d exchanges",
		v.Scenario, v.Seed, len(failed), len(v.Cases), v.Exchanges)
	for _, check := range failed {
		fmt.Fprintf(&text, "\n  %s: %s", check.Name, check.Title)
		for _, reason := range check.Reasons {
			fmt.Fprintf(&text, "\n    %s", reason)
		}
	}
	return text.String()
}

// Clock is the time of a world.
type Clock struct {
	Now time.Time
	// Running is false while the clock stands still.
	Running bool
	// Skew is the difference from real time, positive when the clock is early.
	Skew time.Duration
}
