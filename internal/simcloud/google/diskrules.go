package google

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
)

// encryptionKey says what encrypts a disk: a key of the customer's in Cloud KMS,
// or (deprecated) one that the customer supplies, of which only the hash is kept.
// Without either the vendor's own default encryption is in force.
type encryptionKey struct {
	KMSKeyName           string `json:"kmsKeyName,omitempty"`
	KMSKeyServiceAccount string `json:"kmsKeyServiceAccount,omitempty"`
	RawKey               string `json:"rawKey,omitempty"`
	RSAEncryptedKey      string `json:"rsaEncryptedKey,omitempty"`
	SHA256               string `json:"sha256,omitempty"`
}

type osFeature struct {
	Type string `json:"type"`
}

// diskClass is what of a disk type the catalogue does not say: the quota of its
// gigabytes, and what a disk delivers when nothing is provisioned (0: nothing can
// be).
type diskClass struct {
	quota      string
	iops       int64
	throughput int64 // MB/s
}

// diskClasses follows https://cloud.google.com/compute/resource-usage#disk_quota
// (balanced, SSD and extreme disks share SSD_TOTAL_GB) and
// https://cloud.google.com/compute/docs/disks/hyperdisks.
var diskClasses = map[string]diskClass{
	"pd-standard":          {quota: "DISKS_TOTAL_GB"},
	"pd-balanced":          {quota: "SSD_TOTAL_GB"},
	"pd-ssd":               {quota: "SSD_TOTAL_GB"},
	"pd-extreme":           {quota: "SSD_TOTAL_GB", iops: 100_000},
	"hyperdisk-balanced":   {quota: "HDB_TOTAL_GB", iops: 3600, throughput: 290},
	"hyperdisk-extreme":    {quota: "HDX_TOTAL_GB", iops: 100_000},
	"hyperdisk-throughput": {quota: "HDT_TOTAL_GB", throughput: 180},
}

// kmsKey is the form of a key's name, with or without a version.
var kmsKey = regexp.MustCompile(`^projects/[^/]+/locations/([^/]+)/keyRings/[\w-]{1,63}/cryptoKeys/[\w-]{1,63}(/cryptoKeyVersions/[1-9][0-9]*)?$`)

// checkEncryption validates the key of a new disk in a region, and answers what
// is kept of it. Keys in Cloud KMS exist by being named; see policies.go for who
// may use them.
func (c *call) checkEncryption(field, region string, k *encryptionKey) (*encryptionKey, error) {
	if k == nil || *k == (encryptionKey{}) {
		return nil, nil
	}
	given := 0
	for _, s := range []string{k.KMSKeyName, k.RawKey, k.RSAEncryptedKey} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, invalid(field, "", "Exactly one of kmsKeyName, rawKey and rsaEncryptedKey must be specified.")
	}
	switch {
	case k.KMSKeyName != "":
		name := strings.TrimPrefix(k.KMSKeyName, "https://cloudkms.googleapis.com/v1/")
		m := kmsKey.FindStringSubmatch(name)
		if m == nil {
			return nil, invalid(field+".kmsKeyName", k.KMSKeyName,
				"The KMS key name must be in the form projects/*/locations/*/keyRings/*/cryptoKeys/*.")
		}
		// A zonal disk takes keys of its region or of a multi-region that holds it
		// (https://cloud.google.com/compute/docs/disks/customer-managed-encryption#restrictions).
		multi := strings.SplitN(region, "-", 2)[0] // us, europe, asia
		if l := m[1]; l != region && l != "global" && l != multi {
			return nil, invalid(field+".kmsKeyName", k.KMSKeyName,
				"The KMS key must be in the region '%s' of the resource, in its multi-region, or global.", region)
		}
		if err := c.permitKey(name, k.KMSKeyServiceAccount); err != nil {
			return nil, err
		}
		if m[2] == "" {
			name += "/cryptoKeyVersions/1" // the vendor answers the version in use
		}
		return &encryptionKey{KMSKeyName: name, KMSKeyServiceAccount: k.KMSKeyServiceAccount}, nil
	case k.RawKey != "":
		sum, err := rawKeyHash(field, k)
		if err != nil {
			return nil, err
		}
		return &encryptionKey{SHA256: sum}, nil
	}
	wrapped, err := base64.StdEncoding.DecodeString(k.RSAEncryptedKey)
	if err != nil || len(wrapped) != 256 {
		return nil, invalid(field+".rsaEncryptedKey", "", "The key must be an RSA-wrapped 2048-bit key in base64.")
	}
	sum := sha256.Sum256(wrapped)
	return &encryptionKey{SHA256: base64.StdEncoding.EncodeToString(sum[:])}, nil
}

func rawKeyHash(field string, k *encryptionKey) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(k.RawKey, "="))
	if err != nil || len(raw) != 32 {
		return "", invalid(field+".rawKey", "", "The key must be 256 bits in RFC 4648 base64.")
	}
	sum := sha256.Sum256(raw)
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// unlockable refuses to use a disk under a customer-supplied key without it.
func (d *Disk) unlockable(field string, k *encryptionKey) error {
	if d.EncryptionKey == nil || d.EncryptionKey.SHA256 == "" {
		return nil
	}
	if k == nil || k.RawKey == "" {
		return fail(400, "resourceIsEncryptedWithCustomerEncryptionKey",
			"The resource '%s' is encrypted with a customer-supplied encryption key, which was not provided.", pathOf(d))
	}
	sum, err := rawKeyHash(field, k)
	if err == nil && sum != d.EncryptionKey.SHA256 {
		err = fail(400, "customerEncryptionKeyIsIncorrect",
			"The provided encryption key does not match the key of '%s'.", pathOf(d))
	}
	return err
}

// checkDiskSize decides on the size of a new disk: the one asked for, the
// source's, or the type's default.
func checkDiskSize(field string, t *diskType, askedGB, sourceGB int64) (int64, error) {
	size := askedGB
	if size == 0 {
		if size = sourceGB; size == 0 {
			size = t.DefaultGB
		}
	}
	text := strconv.FormatInt(size, 10)
	switch {
	case size < sourceGB:
		return 0, invalid(field, text, "Requested disk size cannot be smaller than the image size (%d GB)", sourceGB)
	case size < t.MinGB:
		return 0, invalid(field, text, "Disk size cannot be smaller than %d GB.", t.MinGB)
	case size > t.MaxGB:
		return 0, invalid(field, text, "Disk size cannot be larger than %d GB.", t.MaxGB)
	}
	return size, nil
}

// provisioned are the IOPS and MB/s of a new disk, asked for or by default.
func provisioned(prefix, typ string, iops, throughput int64) (int64, int64, error) {
	c := diskClasses[typ]
	switch {
	case iops != 0 && c.iops == 0:
		return 0, 0, invalid(prefix+"provisionedIops", strconv.FormatInt(iops, 10), "Provisioned IOPS cannot be specified for disk type '%s'.", typ)
	case throughput != 0 && c.throughput == 0:
		return 0, 0, invalid(prefix+"provisionedThroughput", strconv.FormatInt(throughput, 10), "Provisioned throughput cannot be specified for disk type '%s'.", typ)
	}
	if iops == 0 {
		iops = c.iops
	}
	if throughput == 0 {
		throughput = c.throughput
	}
	return iops, throughput, nil
}

func checkAccessMode(field, mode, typ string) error {
	if err := oneOf(field, mode, "READ_WRITE_SINGLE", "READ_WRITE_MANY", "READ_ONLY_MANY"); err != nil {
		return err
	}
	if mode != "" && mode != "READ_WRITE_SINGLE" && !strings.HasPrefix(typ, "hyperdisk-") {
		return invalid(field, mode, "The access mode is not supported for disk type '%s'.", typ)
	}
	return nil
}
