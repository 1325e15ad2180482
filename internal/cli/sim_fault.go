package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud"
)

// numericFaultKeys are the keys of a fault whose values are numbers; those of
// all other keys are texts.
var numericFaultKeys = []string{"probability", "after", "count", "seconds", "status", "delay_seconds", "tokens_per_second"}

// parseFault reads a fault in the form of a flag: "error,path=/servers,status=503",
// where the keys are those of the control API, or the control API's JSON object
// itself, for values that hold a comma. What the keys mean is checked when the
// fault is armed.
func parseFault(text string) (simcloud.Fault, error) {
	document := []byte(text)
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		kind, rest, more := strings.Cut(text, ",")
		fields := map[string]any{"kind": kind}
		for more {
			var pair string
			pair, rest, more = strings.Cut(rest, ",")
			key, value, found := strings.Cut(pair, "=")
			if !found || key == "" {
				return simcloud.Fault{}, fmt.Errorf("%q is no key=value", pair)
			}
			if _, twice := fields[key]; twice {
				return simcloud.Fault{}, fmt.Errorf("%s is given twice", key)
			}
			fields[key] = value
			if slices.Contains(numericFaultKeys, key) {
				number, err := strconv.ParseFloat(value, 64)
				if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
					return simcloud.Fault{}, fmt.Errorf("%s=%s is no number", key, value)
				}
				fields[key] = number
			}
		}
		var err error
		if document, err = json.Marshal(fields); err != nil {
			return simcloud.Fault{}, err
		}
	}
	var fault simcloud.Fault
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&fault); err != nil {
		return simcloud.Fault{}, err
	}
	if decoder.More() {
		return simcloud.Fault{}, fmt.Errorf("there is more than one JSON object")
	}
	return fault, nil
}
