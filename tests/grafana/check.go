// SPDX-License-Identifier: BSD-2-Clause

// Checks dashboards of Grafana by Grafana's own SDK: unknown fields, wrong types, values that are not allowed.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func check(path string) error {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	found := dashboard.Dashboard{}
	err = found.UnmarshalJSONStrict(bytes)
	// the SDK may return a list of no errors
	if list, is := err.(cog.BuildErrors); err != nil && (!is || len(list) > 0) {
		return err
	}
	return found.Validate()
}

func main() {
	plugins.RegisterDefaultPlugins()
	code := 0
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			code = 1
		}
	}
	os.Exit(code)
}
