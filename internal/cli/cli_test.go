package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// bare is a provider with one setting and nothing else.
type bare struct{ provider.Provider }

func (bare) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "holdfast"
}

func (bare) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"deployment": schema.StringAttribute{Optional: true, Description: "Whose estate this is."},
	}}
}

func (bare) Resources(context.Context) []func() resource.Resource       { return nil }
func (bare) DataSources(context.Context) []func() datasource.DataSource { return nil }

// run executes one command line and returns its exit code and outputs.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), Options{
		Version:  "1.2.3",
		Provider: func() provider.Provider { return bare{} },
		Args:     args,
		Stdout:   &out,
		Stderr:   &errs,
	})
	return code, out.String(), errs.String()
}

func TestRun(t *testing.T) {
	tests := map[string]struct {
		args           []string
		code           int
		stdout, stderr string // must be contained
	}{
		"nothing asked":     {nil, ExitOK, "Available Commands", ""},
		"help":              {[]string{"--help"}, ExitOK, "version", ""},
		"version":           {[]string{"version"}, ExitOK, "holdfast 1.2.3 on " + runtime.GOOS, ""},
		"unknown command":   {[]string{"simm"}, ExitUsage, "", `unknown command "simm"`},
		"unknown flag":      {[]string{"version", "--yaml"}, ExitUsage, "", "holdfast version --help"},
		"too many words":    {[]string{"version", "now"}, ExitUsage, "", `unknown command "now"`},
		"schema is hidden":  {[]string{"schema", "--address", "holdfast"}, ExitOK, `"Whose estate this is."`, ""},
		"completion works":  {[]string{"completion", "bash"}, ExitOK, "holdfast", ""},
		"version of a help": {[]string{"help", "version"}, ExitOK, "--json", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, test.args...)
			if code != test.code {
				t.Errorf("exit code %d, want %d; stderr:\n%s", code, test.code, stderr)
			}
			if !strings.Contains(stdout, test.stdout) {
				t.Errorf("stdout lacks %q:\n%s", test.stdout, stdout)
			}
			if !strings.Contains(stderr, test.stderr) {
				t.Errorf("stderr lacks %q:\n%s", test.stderr, stderr)
			}
			if code == ExitOK && stderr != "" {
				t.Errorf("a command that worked wrote to stderr:\n%s", stderr)
			}
		})
	}
}

func TestVersionJSON(t *testing.T) {
	_, stdout, _ := run(t, "version", "--json")
	var got map[string]string
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got["version"] != "1.2.3" || got["address"] != Address {
		t.Errorf("got %v", got)
	}
}

func TestHelpHidesPlumbing(t *testing.T) {
	_, stdout, _ := run(t)
	for _, hidden := range []string{"schema", "completion"} {
		if strings.Contains(stdout, "\n  "+hidden) {
			t.Errorf("help lists %s, which is no command for a person", hidden)
		}
	}
}
