package cosemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Scenario says what goes wrong, when, and how often. It is made by [Shipped], [File], [Text] or [JSON].
type Scenario struct {
	// One of these is set.
	name, path, text string
	err              error
}

// Shipped is a scenario that cos-emu brings along, such as "reset-mid-upload"; `cos-emu scenarios` lists them.
func Shipped(name string) Scenario { return Scenario{name: name} }

// File is the scenario in a file. It is read when it is needed.
func File(path string) Scenario { return Scenario{path: path} }

// Text is the text of a scenario file.
func Text(text string) Scenario { return Scenario{text: text} }

// JSON is a scenario as a value that [json.Marshal] writes, such as a map or a struct.
func JSON(value any) Scenario {
	text, err := json.Marshal(value)
	if err != nil {
		return Scenario{err: fmt.Errorf("cosemu: the scenario cannot be written as JSON: %w", err)}
	}
	return Scenario{text: string(text)}
}

// document is the text of any but a shipped scenario.
func (s Scenario) document() (string, error) {
	switch {
	case s.err != nil:
		return "", s.err
	case s.path != "":
		text, err := os.ReadFile(s.path)
		if err != nil {
			return "", fmt.Errorf("cosemu: the scenario cannot be read: %w", err)
		}
		return string(text), nil
	case s.text != "":
		return s.text, nil
	}
	return "", errors.New("cosemu: the scenario is empty")
}
