package hetzner

import (
	"testing"

	"github.com/holdfast-cloud/terraform-provider-holdfast/internal/cloud"
)

// A machine is told by what its user data were made from, where they are not
// the same each time: else a creation that was cut short would not know its own
// machine.
func TestOriginOfChangingUserData(t *testing.T) {
	made := originOf(cloud.VMSpec{Image: "debian-12", UserData: "sealed once", UserDataOrigin: "settings"})
	if again := originOf(cloud.VMSpec{Image: "debian-12", UserData: "sealed anew", UserDataOrigin: "settings"}); again != made {
		t.Errorf("%s, then %s", made, again)
	}
	if other := originOf(cloud.VMSpec{Image: "debian-12", UserData: "sealed once", UserDataOrigin: "others"}); other == made {
		t.Error("other settings, the same origin")
	}
	if one, other := originOf(cloud.VMSpec{UserData: "a"}), originOf(cloud.VMSpec{UserData: "b"}); one == other {
		t.Error("other user data, the same origin")
	}
}
