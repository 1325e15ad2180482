package status

import (
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile are objects that a machine in the wrong hands could leave: each small
// enough to be read.
func hostile() map[string]string {
	const depth = 9_000
	var twice, many strings.Builder
	for range 4_000 {
		twice.WriteString(`{"a":0,"a":`)
	}
	twice.WriteString("0" + strings.Repeat("}", 4_000))
	many.WriteString(`{"version":"1.0"`)
	for i := range 7_000 {
		many.WriteString(`,"` + string(rune('\u4e00'+i)) + `":0`)
	}
	many.WriteString("}")
	return map[string]string{
		"deep lists":     `{"version":"1.9","x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`,
		"deep objects":   `{"version":"1.9","x":` + strings.Repeat(`{"a":`, depth) + "0" + strings.Repeat("}", depth) + `}`,
		"members twice":  `{"version":"1.9","x":` + twice.String() + `}`,
		"many members":   many.String(),
		"empty volumes":  `{"version":"1.0","volumes":[{}` + strings.Repeat(",{}", 20_000) + `]}`,
		"a long name":    `{"version":"1.0","x` + strings.Repeat("é", 30_000) + `":0}`,
		"a long version": `{"version":"` + strings.Repeat("é", 30_000) + `"}`,
	}
}

// What a guest writes costs its reader little, and what is said of it is for
// people: an inventory keeps one text for each tenant and bucket.
func TestParseHostile(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			if len(text) > MaxBytes {
				t.Fatalf("%d bytes", len(text))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse([]byte(text))
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("it was taken")
			}
			if said := err.Error(); len(said) > 2_000 || !utf8.ValidString(said) {
				t.Errorf("%d bytes of message, valid: %v", len(said), utf8.ValidString(said))
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
		})
	}
}

// A volume without encryption has neither a cipher nor the bits of its key.
func TestCheckVolumeWithoutEncryption(t *testing.T) {
	for _, spoil := range []func(*Volume){func(v *Volume) { v.Cipher = "aes-xts-plain64" }, func(v *Volume) { v.KeyBits = 512 }} {
		s := example()
		spoil(&s.Volumes[1])
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), "volumes[1].cipher: a volume without encryption has none") {
			t.Errorf("%+v: %v", s.Volumes[1], err)
		}
	}
}
