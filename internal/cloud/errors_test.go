package cloud

import (
	"errors"
	"fmt"
	"testing"
)

func TestCompletedFillsWhatIsEmpty(t *testing.T) {
	below := &Error{Code: CodeInUse, Kind: KindVolume, Message: "a VM holds it"}
	known := Error{Cloud: "hetzner", Kind: KindVM, ID: "7", Doing: "delete VM"}
	var got *Error
	if !errors.As(Completed(fmt.Errorf("step: %w", below), known), &got) {
		t.Fatal("no longer a cloud error")
	}
	if got.Cloud != "hetzner" || got.Kind != KindVolume || got.ID != "7" || got.Doing != "delete VM" || got.Code != CodeInUse || got.Message != below.Message {
		t.Errorf("completed to %+v", *got)
	}
	if below.Cloud != "" {
		t.Error("the error from below was changed")
	}
	plain := errors.New("plain")
	if Completed(plain, known) != plain || Completed(nil, known) != nil {
		t.Error("an error of another type was changed")
	}
}

func TestUnfinished(t *testing.T) {
	for code, want := range map[Code]Code{CodeOperationFailed: CodeUnfinished, CodeNotFound: CodeUnfinished, CodeQuota: CodeQuota} {
		cause := &Error{Code: code}
		err := Unfinished(cause)
		if CodeOf(err) != want || !errors.Is(err, cause) {
			t.Errorf("%s becomes %v, want %s around it", code, err, want)
		}
	}
	if Unfinished(nil) != nil {
		t.Error("no error became one")
	}
}

func TestCheckTenant(t *testing.T) {
	tests := []struct {
		kind       Kind
		have, want string
		refused    bool
	}{
		{KindVM, "ada", "ada", false},
		{KindVM, "", "ada", false},
		{KindVM, "ada", "grace", true},
		{KindVolume, "ada", "", true},
		{KindNetwork, "ada", "grace", true},
		{KindFirewall, "ada", "grace", false},
	}
	for _, test := range tests {
		err := CheckTenant("hetzner", test.kind, "7", Meta{Tenant: test.have}, Meta{Tenant: test.want})
		if (err != nil) != test.refused {
			t.Errorf("%s of %q for %q: %v", test.kind, test.have, test.want, err)
		}
		var refusal *Error
		if err != nil && (!errors.As(err, &refusal) || refusal.Code != CodeUnsupported || refusal.Field != "tenant") {
			t.Errorf("refused with %+v", err)
		}
	}
}
