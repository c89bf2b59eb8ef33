package sdktest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestTheReadmeShowsLinesOfTheseTests(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	check(t, err)
	tests, err := os.ReadFile("upload_test.go")
	check(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) != 3 {
		t.Errorf("it has %d blocks", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(string(tests), string(block[1])) {
			t.Errorf("it has lines that are not run:\n%s", block[1])
		}
	}
}
