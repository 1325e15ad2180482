// Package servicetest serves the tests of the nouns: a cloud in memory that
// keeps the contract of cloud.Driver, and a stand-in for Terraform that drives
// a resource through the plugin protocol in the order in which Terraform does.
//
// Only tests import it. It imports service, cloud, catalog and the framework.
package servicetest
