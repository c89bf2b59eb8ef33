// A program on the official Go SDK that knows nothing of cos-emu: it uploads in parts, reads back, and prints `ok`.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ok")
}

func run() error {
	folder, err := os.MkdirTemp("", "reach-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	content := make([]byte, 3<<20+17)
	rand.Read(content)
	file := filepath.Join(folder, "content")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return err
	}

	bucket, err := url.Parse("https://" + os.Getenv("COS_BUCKET") + ".cos." + os.Getenv("COS_REGION") + ".myqcloud.com")
	if err != nil {
		return err
	}
	client := cos.NewClient(&cos.BaseURL{BucketURL: bucket}, &http.Client{Transport: &cos.AuthorizationTransport{
		SecretID:  os.Getenv("COS_SECRET_ID"),
		SecretKey: os.Getenv("COS_SECRET_KEY"),
	}})
	client.Conf.RetryOpt.AutoSwitchHost = true
	ctx := context.Background()
	options := &cos.MultiUploadOptions{PartSize: 1, ThreadPoolSize: 2}
	if _, _, err := client.Object.Upload(ctx, "go", file, options); err != nil {
		return err
	}
	answer, err := client.Object.Get(ctx, "go", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err == nil && !bytes.Equal(read, content) {
		err = fmt.Errorf("%d other bytes were read", len(read))
	}
	return err
}
