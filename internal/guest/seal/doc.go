// Package seal encrypts a machine's secrets so that only a machine that reaches
// the tenant's Tang servers can open them: what is sealed may lie in user data,
// which clouds keep in clear.
//
// A secret for one server is a JWE (RFC 7516) in compact form for the server's
// exchange key, with the header that Clevis's pin "tang" writes, so that
// `clevis decrypt` opens it. The key agreement and the encryption are go-jose's:
// ECDH-ES and A256GCM (RFC 7518). The server never sees the secret, nor the key
// that it helps to compute (McCallum-Relyea exchange).
//
// A secret that takes t of n servers is one text for each choice of t of them.
// In each, the JWE of the first server holds the JWE of the second, and so on:
// layers that hold another one say so with the header parameter "cty": "jose".
// That costs room where a secret-sharing scheme would not, but there is none to
// get wrong, and n is small ([MaxServers]).
//
// What a server says about its keys, its advertisement, is believed only if
// all its signing keys signed it and the key with the thumbprint in the
// configuration is one of them ([ParseAdvertisement]).
//
// It may import internal/guest and internal/cloud, no vendor and no framework.
package seal
