package image

// Promises that the profile serves: those of the security policy whose 'where'
// names the guest or evidence gathered in it.
func promises() []string {
	return []string{
		"BAK-1", "BAK-3", "BAK-4", "BAK-5",
		"DR-1", "DR-2", "DR-3",
		"ISO-2",
		"SYS-1", "SYS-2", "SYS-3",
		"ENC-1", "ENC-2", "ENC-3", "ENC-4",
		"NET-1", "NET-2",
		"STF-1", "PWD-1",
		"UPT-1", "UPT-2",
		"AUD-1",
	}
}
