package engine

import (
	"slices"
	"strings"
)

// SetRealGuests tells that real machines run what the simulation says is
// running: then they, and not their user data, decide when they are off.
func (e *Engine) SetRealGuests(real bool) { e.realGuests.Store(real) }

// GuestPowersOff tells whether a machine with this user data switches itself
// off at the end of its first boot. Nobody runs the script of a simulated
// machine, so the simulation assumes that it goes well, and looks at how it
// ends: a shell script whose last line is a power off.
func (tx *Tx) GuestPowersOff(userData string) bool {
	if tx.e.realGuests.Load() || !strings.HasPrefix(userData, "#!") {
		return false
	}
	text := strings.TrimRight(userData, " \t\r\n")
	last := strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
	return slices.Contains([]string{"systemctl poweroff", "poweroff", "shutdown -h now", "shutdown -P now"}, last)
}
