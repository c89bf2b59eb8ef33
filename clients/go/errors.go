package cosemu

import (
	"errors"
	"fmt"
	"strings"
)

// ErrTimeout says that what was waited for did not come in time.
var ErrTimeout = errors.New("timed out")

// ProblemError is what the control API refuses a request with: a scenario with mistakes, a world that there is not.
type ProblemError struct {
	// Asked is the method and the URL of the request.
	Asked string `json:"-"`
	// Status is that of the answer, such as 422, and Title its name.
	Status int    `json:"status"`
	Title  string `json:"title"`
	// Detail says what is wrong; of a scenario, with the lines of its text.
	Detail string `json:"detail"`
	// Mistakes are those of a scenario, all of them; there are none when something else is wrong.
	Mistakes []Mistake `json:"errors"`
}

// Mistake is one mistake in the text of a scenario.
type Mistake struct {
	// Code is that of the kind of mistake, such as E203.
	Code string `json:"code"`
	// Line and Column count from 1.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Path is the member that it is in, such as rules[0].when; empty for the whole object.
	Path    string `json:"path"`
	Message string `json:"message"`
	// Hint says what to write instead; it may be empty.
	Hint string `json:"hint"`
}

// Error holds the detail, and a line for each mistake.
func (e *ProblemError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "cosemu: %s was refused: %d %s: %s", e.Asked, e.Status, e.Title, e.Detail)
	for _, mistake := range e.Mistakes {
		fmt.Fprintf(&text, "\n%s", mistake)
	}
	return text.String()
}

// String is the mistake in one line.
func (m Mistake) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s at line %d, column %d: ", m.Code, m.Line, m.Column)
	if m.Path != "" {
		fmt.Fprintf(&text, "%s: ", m.Path)
	}
	text.WriteString(m.Message)
	if m.Hint != "" {
		fmt.Fprintf(&text, " (%s)", m.Hint)
	}
	return text.String()
}

// UnexpectedError is an answer that is none of the control API: something else listens there, or is in between.
type UnexpectedError struct {
	// Asked is the method and the URL of the request.
	Asked       string
	Status      int
	ContentType string
	// Body is the start of the answer's body.
	Body string
}

// Error says what was asked and what came.
func (e *UnexpectedError) Error() string {
	return fmt.Sprintf("cosemu: %s was answered with %d (%s), which is no answer of the control API: %s",
		e.Asked, e.Status, e.ContentType, e.Body)
}

// excerpt is as much of a body as is good to read in an error.
func excerpt(body []byte) string {
	const most = 1000
	if len(body) > most {
		return string(body[:most]) + "…"
	}
	return string(body)
}
