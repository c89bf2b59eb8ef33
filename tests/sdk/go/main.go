// Everything that the official Go SDK offers of object storage, against cos-emu: go-suite <url>.
//
// Each step works in buckets of its own, `go-<name>-1250000000`; requests reach the emulator as their proxy, so that
// they bear the service's own host names. Prints `ok`, or the expectation that failed.
//
// What this SDK has no call for: PostObject, strict signatures, deletion of logging, versioning, acceleration and
// object lock (the service has none either). SSE-KMS goes by headers of one's own. MultiCopy copies in parts only what
// is above 5 GiB, so CopyPart stands for it. A download that is killed cannot be resumed: the SDK notes what it has
// only when it gives up. Temporary credentials are of a service of their own.
package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

var steps = []struct {
	name string
	run  func()
}{
	{"buckets", buckets},
	{"one piece", onePiece},
	{"in parts", inParts},
	{"parts by hand", partsByHand},
	{"resumed upload", resumedUpload},
	{"resumed download", resumedDownload},
	{"copies", copies},
	{"listing", listing},
	{"versions", versions},
	{"presigned", presigned},
	{"refusals", refusals},
	{"other hosts", otherHosts},
	{"access", access},
	{"tags", tags},
	{"appended", appended},
	{"archived", archived},
	{"symlinks", symlinks},
	{"retention", retention},
	{"encrypted", encrypted},
	{"encrypted by the client", encryptedByTheClient},
	{"configurations", configurations},
	{"not emulated", notEmulated},
}

func main() {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasSuffix(strings.ToLower(name), "_proxy") {
			os.Unsetenv(name)
		}
	}
	emulator = done(url.Parse(os.Args[1]))
	wire = &http.Transport{Proxy: http.ProxyURL(emulator), MaxIdleConnsPerHost: 16}
	if len(os.Args) > 2 {
		uploadUntilKilled(os.Args[2], os.Args[3])
		return
	}
	folder = done(os.MkdirTemp("", "cos-emu-"))
	defer os.RemoveAll(folder)
	for _, next := range steps {
		step = next.name
		next.run()
	}
	fmt.Println("ok")
}
