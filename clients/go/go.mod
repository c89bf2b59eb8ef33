module github.com/cos-emu/cos-emu/clients/go

go 1.24
