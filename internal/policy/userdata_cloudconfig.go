package policy

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// cloudConfig judges a #cloud-config document.
func (c *userData) cloudConfig(text, place string) {
	root, err := loadYAML(text)
	if err != nil {
		// The parser's message would repeat the text.
		c.unreadable(orWhole(place), "is not well-formed YAML of one document")
		return
	}
	if root == nil || empty(root) {
		return
	}
	if root.Kind != yaml.MappingNode {
		c.bad("User data of unknown form", orWhole(place)+" is cloud-config, but not a mapping of keys to values.", "Write keys with values, such as \"packages: [nginx]\".")
		return
	}
	pairs(root, func(key string, value *yaml.Node) {
		here := in(place, key)
		switch key {
		case "password", "passwd":
			if !empty(value) {
				c.password(here, "sets the default user's password")
			}
		case "chpasswd":
			c.chpasswd(value, here)
		case "ssh_pwauth":
			if yes(value) {
				c.password(here, "lets sshd accept passwords")
			}
		case "user", "users":
			c.users(key, value, place)
		case "ssh_keys":
			pairs(value, func(name string, secret *yaml.Node) {
				if strings.HasSuffix(name, "_private") && !empty(secret) {
					c.breaks("Private key in user data", here+" gives the machine a host key. The cloud keeps user data in clear, so others could pose as the machine.",
						"Remove ssh_keys; the machine makes its own host keys at first boot.")
				}
			})
		case "ssh_authorized_keys":
			c.authorizedKeys(value, here)
		case "ssh_import_id":
			c.importedKeys(value, here)
		case "bootcmd", "runcmd":
			c.commands(key, value, place)
		case "write_files":
			c.files(value, place)
		}
	})
}

func (c *userData) chpasswd(value *yaml.Node, here string) {
	if value.Kind != yaml.MappingNode {
		if !empty(value) {
			c.password(here, "sets passwords")
		}
		return
	}
	pairs(value, func(key string, v *yaml.Node) {
		if (key == "list" || key == "users") && !empty(v) {
			c.password(here+"."+key, "sets passwords")
		}
	})
}

func (c *userData) users(key string, value *yaml.Node, place string) {
	for i, user := range items(value) {
		here := key
		if value.Kind == yaml.SequenceNode {
			here = index(key, i)
		}
		pairs(user, func(attribute string, v *yaml.Node) {
			where := in(place, here+"."+attribute)
			switch attribute {
			case "passwd", "hashed_passwd", "plain_text_passwd", "password":
				// "*" and "!" in place of a hash lock the account.
				if !empty(v) && v.Value != "*" && strings.Trim(v.Value, "!") != "" {
					c.password(where, "sets a user's password")
				}
			case "ssh_authorized_keys":
				c.authorizedKeys(v, where)
			case "ssh_import_id":
				c.importedKeys(v, where)
			case "lock_passwd":
				if no(v) {
					c.password(where, "unlocks a user's password")
				}
			}
		})
	}
}

// authorizedKeys judges keys that are let in besides those of the machine's
// ssh_key_ids. Options before a key are sshd's business here.
func (c *userData) authorizedKeys(value *yaml.Node, place string) {
	for i, item := range items(value) {
		if empty(item) {
			continue
		}
		words := strings.Fields(item.Value)
		if at := slices.IndexFunc(words, isKeyType); at >= 0 {
			words = words[at:]
		}
		var f Finding
		if _, err := ParsePublicKey(strings.Join(words, " ")); errors.As(err, &f) {
			c.breaks(f.Summary, fmt.Sprintf("%s, key %d: %s", place, i+1, f.Detail), f.Remedy)
		}
	}
}

func (c *userData) importedKeys(value *yaml.Node, place string) {
	if !empty(value) {
		c.breaks("SSH keys fetched at boot", place+" lets in whatever keys an account on the internet holds when the machine boots. Machines are managed by a few named engineers.",
			"Remove it, and name each engineer's holdfast_ssh_key in ssh_key_ids.")
	}
}

// commands judges runcmd and bootcmd: strings for a shell, or lists of words.
func (c *userData) commands(key string, value *yaml.Node, place string) {
	for i, item := range items(value) {
		where := in(place, index(key, i))
		switch item.Kind {
		case yaml.SequenceNode:
			var words []string
			for _, w := range item.Content {
				words = append(words, w.Value)
			}
			// A word may itself be a script, as in [sh, -c, "…"].
			c.script(strings.Join(words, " "), where)
		case yaml.ScalarNode:
			c.script(item.Value, where)
		}
	}
}

// files judges what write_files puts into the machine.
func (c *userData) files(value *yaml.Node, place string) {
	for i, item := range items(value) {
		var content, encoding, name string
		pairs(item, func(key string, v *yaml.Node) {
			switch key {
			case "path":
				name = v.Value
			case "content":
				content = v.Value
				if v.Tag == "!!binary" {
					encoding = "b64"
				}
			case "encoding":
				encoding = v.Value
			}
		})
		where := in(place, index("write_files", i))
		text, err := decodeFile(content, encoding)
		if err != nil {
			c.unreadable(where, "holds a file that cannot be decoded")
			continue
		}
		c.embeddedKey(text, where)
		c.lines(text, where, strings.HasPrefix(text, "#!") || strings.HasSuffix(name, ".sh"))
	}
}

// decodeFile undoes the encodings of write_files. The outcome may be binary.
func decodeFile(content, encoding string) (string, error) {
	isBase64, isGzip := false, false
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "text/plain":
	case "b64", "base64":
		isBase64 = true
	case "gz", "gzip":
		isGzip = true
	case "gz+base64", "gzip+base64", "gz+b64", "gzip+b64":
		isBase64, isGzip = true, true
	default:
		return "", fmt.Errorf("unknown encoding")
	}
	data := []byte(content)
	if isBase64 {
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
		if err != nil {
			return "", err
		}
		data = decoded
	}
	if !isGzip {
		return string(data), nil
	}
	unzip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	return readBounded(unzip)
}

// cloudArchive judges a #cloud-config-archive: a list of documents.
func (c *userData) cloudArchive(text, place string, depth int) {
	root, err := loadYAML(text)
	if err != nil || root == nil || root.Kind != yaml.SequenceNode {
		c.unreadable(orWhole(place), "is not a well-formed list of documents")
		return
	}
	for i, item := range root.Content {
		where := in(place, fmt.Sprintf("Part %d", i+1))
		if item.Kind == yaml.ScalarNode {
			c.document(item.Value, where, depth+1)
			continue
		}
		var content, mediaType string
		pairs(item, func(key string, v *yaml.Node) {
			switch key {
			case "content":
				content = v.Value
			case "type":
				mediaType = v.Value
			}
		})
		if mediaType == "" {
			mediaType = "text/plain"
		}
		c.part(map[string][]string{"Content-Type": {mediaType}}, strings.NewReader(content), where, depth+1)
	}
}
