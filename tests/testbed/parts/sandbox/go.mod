module bizops.dev/testbed/sandbox

go 1.26.0
