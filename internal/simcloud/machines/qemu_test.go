package machines_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/simcloud/machines/vnet/vnettest"
)

// What stands for QEMU in these tests is this test's own program under QEMU's names:
// it speaks the same control protocol, and its machine is a network stack that tells
// who connects. Real machines are the end-to-end tests' work.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "qemu-system-x86_64":
		if err := fakeQEMU(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "qemu-img":
		// create … -b image -F qcow2 new; resize is nothing here.
		if os.Args[1] == "create" {
			if err := os.WriteFile(os.Args[len(os.Args)-1], []byte("a layer over "+os.Args[6]), 0o600); err != nil {
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// useFakeQEMU puts the stand-ins in front of the programs of this host.
func useFakeQEMU(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range []string{"qemu-system-x86_64", "qemu-img"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func after(args []string, flag string) (values []string) {
	for i, a := range args[:len(args)-1] {
		if a == flag {
			values = append(values, args[i+1])
		}
	}
	return values
}

func option(list, name string) string {
	for _, pair := range strings.Split(list, ",") {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

func fakeQEMU(args []string) error {
	control, err := net.Listen("unix", strings.TrimPrefix(strings.Split(after(args, "-qmp")[0], ",")[0], "unix:"))
	if err != nil {
		return err
	}
	console, err := os.OpenFile(option(after(args, "-chardev")[0], "path"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	tell := func(format string, more ...any) { _, _ = fmt.Fprintf(console, format+"\n", more...) }
	tell("on %s %s", option(after(args, "-smbios")[0], "serial"), option(after(args, "-accel")[0], ""))
	if strings.Contains(os.Getenv("FAKE_QEMU"), after(args, "-accel")[0]) {
		select {} // a firmware that hangs
	}
	for _, card := range after(args, "-netdev") {
		conn, err := net.Dial("unix", option(card, "addr.path"))
		if err != nil {
			return err
		}
		if err := fakeMachine(conn); err != nil {
			return err
		}
	}
	for {
		conn, err := control.Accept()
		if err != nil {
			return err
		}
		go fakeControl(conn, tell)
	}
}

// fakeMachine tells at port 22 who connects.
func fakeMachine(card net.Conn) error {
	m, err := vnettest.New(card, netip.MustParseAddr(os.Getenv("FAKE_ADDRESS")), netip.MustParseAddr("172.31.1.1"))
	if err != nil {
		return err
	}
	// A kernel speaks first.
	hello, err := m.Packets(netip.MustParseAddrPort(os.Getenv("FAKE_ADDRESS") + ":68"))
	if err != nil {
		return err
	}
	_, _ = hello.WriteTo([]byte("hello"), &net.UDPAddr{IP: net.IPv4(172, 31, 1, 1), Port: 9})
	ssh, err := m.Listen(22)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := ssh.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, conn.RemoteAddr().String())
			_ = conn.Close()
		}
	}()
	return nil
}

func fakeControl(conn net.Conn, tell func(string, ...any)) {
	_, _ = io.WriteString(conn, `{"QMP": {"version": {}}}`+"\n")
	lines := bufio.NewScanner(conn)
	var once sync.Once
	for lines.Scan() {
		var command struct {
			Execute   string
			Arguments map[string]any
		}
		_ = json.Unmarshal(lines.Bytes(), &command)
		switch command.Execute {
		case "qmp_capabilities":
		case "system_powerdown":
			tell("powered down")
			os.Exit(0)
		default:
			once.Do(func() { _, _ = io.WriteString(conn, `{"event": "NIC_RX_FILTER_CHANGED"}`+"\n") })
			tell("%s %v %v %v", command.Execute, command.Arguments["node-name"], command.Arguments["device_id"], command.Arguments["size"])
		}
		_, _ = io.WriteString(conn, `{"return": {}}`+"\n")
	}
}
