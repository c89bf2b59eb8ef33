package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func configurations() {
	bucket := versionedBucket("configured")
	destination := "qcs::cos:" + region + "::" + versionedBucket("destination").name
	crossOrigin(bucket)
	bucketTags(bucket)
	lifecycle(bucket)
	policy(bucket)
	referer(bucket)
	website(bucket)
	replication(bucket, destination)
	domain(bucket)
	origin(bucket)
	encryption(bucket)
	acceleration(bucket)
	inventory(bucket, destination)
	bucketLogging(bucket)
	tiering()
	everything(bucket)
}

func crossOrigin(bucket bucket) {
	value := &cos.BucketPutCORSOptions{
		Rules: []cos.BucketCORSRule{
			{
				ID:             "first",
				AllowedOrigins: []string{"http://one.example", "http://two.example"},
				AllowedMethods: []string{"GET", "PUT"},
				AllowedHeaders: []string{"x-cos-meta-a"},
				ExposeHeaders:  []string{"ETag", "x-cos-request-id"},
				MaxAgeSeconds:  500,
			},
			{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"HEAD"}, MaxAgeSeconds: 5},
		},
		ResponseVary: "true",
	}
	done(bucket.Bucket.PutCORS(ctx, value))
	sameXML(got(bucket.Bucket.GetCORS(ctx)), value, "GetCORS")
	allowed := done(preflight(bucket, "http://one.example")).Header
	for name, value := range map[string]string{
		"Access-Control-Allow-Origin":  "http://one.example",
		"Access-Control-Allow-Headers": "x-cos-meta-a",
		"Access-Control-Max-Age":       "500",
	} {
		same(allowed.Get(name), value, "a preflight: "+name)
	}
	refused(403, "AccessForbidden", "a preflight from elsewhere")(preflight(bucket, "http://other.example"))
	done(bucket.Bucket.DeleteCORS(ctx))
	refused(404, "NoSuchCORSConfiguration", "GetCORS after its deletion")(bucket.Bucket.GetCORS(ctx))
}

func bucketTags(bucket bucket) {
	value := &cos.BucketPutTaggingOptions{TagSet: []cos.BucketTaggingTag{{Key: "k", Value: "v"}, {Key: "键", Value: "值"}}}
	done(bucket.Bucket.PutTagging(ctx, value))
	sameXML(got(bucket.Bucket.GetTagging(ctx)), value, "GetTagging")
	done(bucket.Bucket.DeleteTagging(ctx))
	refused(404, "NoSuchTagSet", "GetTagging after its deletion")(bucket.Bucket.GetTagging(ctx))
}

func lifecycle(bucket bucket) {
	value := &cos.BucketPutLifecycleOptions{Rules: []cos.BucketLifecycleRule{
		{
			ID:     "one",
			Status: "Enabled",
			Filter: &cos.BucketLifecycleFilter{Prefix: "logs/"},
			Transition: []cos.BucketLifecycleTransition{
				{Days: 30, StorageClass: "STANDARD_IA", AccessFrequency: &cos.BucketAccessFrequency{AccessCountLessThan: 1, RecentDays: 30}},
				{Days: 90, StorageClass: "ARCHIVE"},
			},
			Expiration:                     &cos.BucketLifecycleExpiration{Days: 365},
			AbortIncompleteMultipartUpload: &cos.BucketLifecycleAbortIncompleteMultipartUpload{DaysAfterInitiation: 3},
			NoncurrentVersionTransition:    []cos.BucketLifecycleNoncurrentVersion{{NoncurrentDays: 5, StorageClass: "STANDARD_IA"}},
			NoncurrentVersionExpiration:    &cos.BucketLifecycleNoncurrentVersion{NoncurrentDays: 7},
		},
		{
			ID:     "two",
			Status: "Disabled",
			Filter: &cos.BucketLifecycleFilter{And: &cos.BucketLifecycleAndOperator{
				Prefix:                "two/",
				PrefixNotEquals:       "two/kept/",
				Tag:                   []cos.BucketTaggingTag{{Key: "level", Value: "backup"}, {Key: "a", Value: "b"}},
				ObjectSizeGreaterThan: 5,
				ObjectSizeLessThan:    50,
			}},
			Expiration: &cos.BucketLifecycleExpiration{Days: 3650},
		},
		{
			ID:         "three",
			Status:     "Enabled",
			Filter:     &cos.BucketLifecycleFilter{Tag: &cos.BucketTaggingTag{Key: "old", Value: "yes"}},
			Expiration: &cos.BucketLifecycleExpiration{Date: "2038-04-24T00:00:00+08:00"},
		},
		{
			ID:         "four",
			Status:     "Enabled",
			Filter:     &cos.BucketLifecycleFilter{Prefix: "marked/"},
			Expiration: &cos.BucketLifecycleExpiration{ExpiredObjectDeleteMarker: true},
		},
	}}
	done(bucket.Bucket.PutLifecycle(ctx, value))
	sameXML(got(bucket.Bucket.GetLifecycle(ctx)), value, "GetLifecycle")
	done(bucket.Bucket.DeleteLifecycle(ctx))
	refused(404, "NoSuchLifecycleConfiguration", "GetLifecycle after its deletion")(bucket.Bucket.GetLifecycle(ctx))
	done(bucket.Bucket.PutLifecycle(ctx, &cos.BucketPutLifecycleOptions{Rules: []cos.BucketLifecycleRule{{
		ID:         "1234",
		Filter:     &cos.BucketLifecycleFilter{Prefix: "test"},
		Status:     "Enabled",
		Transition: []cos.BucketLifecycleTransition{{Days: 10, StorageClass: "Standard"}},
	}}}))
	done(bucket.Bucket.DeleteLifecycle(ctx))
}

func policy(bucket bucket) {
	value := cos.BucketPutPolicyOptions{Version: "2.0", Statement: []cos.BucketStatement{
		{
			Principal: map[string][]string{"qcs": {"qcs::cam::anyone:anyone"}},
			Action:    []string{"name/cos:GetObject", "name/cos:HeadObject"},
			Effect:    "allow",
			Resource:  []string{fmt.Sprintf("qcs::cos:%s:uid/%s:%s/open/*", region, appID, bucket.name)},
		},
		{
			Sid:       "conditional",
			Principal: map[string][]string{"qcs": {reader}},
			Action:    []string{"name/cos:GetBucket"},
			Effect:    "deny",
			Resource:  []string{fmt.Sprintf("qcs::cos:%s:uid/%s:%s/*", region, appID, bucket.name)},
			Condition: map[string]map[string]any{"ip_not_equal": {"qcs:ip": []any{"10.1.1.0/24"}}},
		},
	}}
	stranger := bucketOf("configured", anonymous())
	bucket.put("open/door", "open")
	done(bucket.Bucket.PutPolicy(ctx, &value))
	same(cos.BucketPutPolicyOptions(*got(bucket.Bucket.GetPolicy(ctx))), value, "GetPolicy")
	same(stranger.read("open/door"), "open", "what a policy allows")
	done(bucket.Bucket.DeletePolicy(ctx))
	refused(404, "NoSuchBucketPolicy", "GetPolicy after its deletion")(bucket.Bucket.GetPolicy(ctx))
	refused(403, "AccessDenied", "Get without the policy")(stranger.Object.Get(ctx, "open/door", nil))
}

func referer(bucket bucket) {
	value := &cos.BucketPutRefererOptions{
		Status:                  "Enabled",
		RefererType:             "White-List",
		DomainList:              []string{"*.one.example", "*.two.example"},
		EmptyReferConfiguration: "Deny",
	}
	done(bucket.Bucket.PutReferer(ctx, value))
	sameXML(got(bucket.Bucket.GetReferer(ctx)), value, "GetReferer")
	public := &cos.ObjectPutACLOptions{Header: &cos.ACLHeaderOptions{XCosACL: "public-read"}}
	done(bucket.Object.PutACL(ctx, "open/door", public))
	address := bucket.Object.GetObjectURL("open/door").String()
	same(send("GET", address, "", header("Referer", "http://www.one.example/page")).body, "open", "a page that may link")
	same(send("GET", address, "", header("Referer", "http://other.example/")).status, 403, "a page that may not")
	same(send("GET", address, "", nil).status, 403, "no page")
	// The SDK puts an empty document in order to delete.
	done(bucket.Bucket.DeleteReferer(ctx))
	same(got(bucket.Bucket.GetReferer(ctx)).DomainList, nil, "GetReferer after its deletion")
	same(send("GET", address, "", nil).body, "open", "no page, without the list")
}

func website(bucket bucket) {
	rules := []cos.WebsiteRoutingRule{
		{ConditionErrorCode: "404", RedirectProtocol: "https", RedirectReplaceKey: "404.html"},
		{ConditionPrefix: "docs/", RedirectProtocol: "https", RedirectReplaceKeyPrefix: "documents/"},
	}
	value := &cos.BucketPutWebsiteOptions{
		Index:        "index.html",
		Error:        &cos.ErrorDocument{Key: "error.html", OriginalHttpStatus: "Enabled", Charity404: "Disabled"},
		RoutingRules: &cos.WebsiteRoutingRules{Rules: rules},
	}
	done(bucket.Bucket.PutWebsite(ctx, value))
	found := got(bucket.Bucket.GetWebsite(ctx))
	// The service adds what a rule does.
	for at := range found.RoutingRules.Rules {
		same(found.RoutingRules.Rules[at].URLRedirect, "Enabled", "what a rule does")
		found.RoutingRules.Rules[at].URLRedirect = ""
	}
	sameXML(found, value, "GetWebsite")
	served := &cos.ObjectPutOptions{ACLHeaderOptions: &cos.ACLHeaderOptions{XCosACL: "public-read"}}
	bucket.put("index.html", "welcome", served)
	site := "http://" + strings.Replace(hostOf(bucket.name), ".cos.", ".cos-website.", 1)
	same(send("GET", site+"/", "", nil).body, "welcome", "the page of the site")
	moved := send("GET", site+"/docs/page", "", nil).header.Get("Location")
	same(moved, strings.Replace(site, "http:", "https:", 1)+"/documents/page", "a redirection of the site")

	simple := &cos.BucketPutWebsiteOptions{
		Index:            "index.html",
		RedirectProtocol: &cos.RedirectRequestsProtocol{Protocol: "https"},
		AutoAddressing:   &cos.AutoAddressing{Status: "Enabled"},
	}
	done(bucket.Bucket.PutWebsite(ctx, simple))
	sameXML(got(bucket.Bucket.GetWebsite(ctx)), simple, "GetWebsite of a simple site")
	done(bucket.Bucket.DeleteWebsite(ctx))
	refused(404, "NoSuchWebsiteConfiguration", "GetWebsite after its deletion")(bucket.Bucket.GetWebsite(ctx))
}

func replication(bucket bucket, destination string) {
	to := func(class string) *cos.ReplicationDestination {
		return &cos.ReplicationDestination{Bucket: destination, StorageClass: class}
	}
	value := &cos.PutBucketReplicationOptions{Role: owner, Rule: []cos.BucketReplicationRule{
		{ID: "one", Status: "Enabled", Prefix: "one/", Destination: to("STANDARD_IA")},
		{ID: "two", Status: "Disabled", Prefix: "two/", Destination: to("")},
	}}
	done(bucket.Bucket.PutBucketReplication(ctx, value))
	sameXML(got(bucket.Bucket.GetBucketReplication(ctx)), value, "GetBucketReplication")
	filtered := &cos.PutBucketReplicationOptions{Role: owner, Rule: []cos.BucketReplicationRule{{
		ID:       "filtered",
		Status:   "Enabled",
		Priority: 1,
		Filter: &cos.ReplicationFilter{And: &cos.ReplicationFilterAnd{
			Prefix: "three/",
			Tag:    []cos.ObjectTaggingTag{{Key: "a", Value: "b"}},
		}},
		Destination: &cos.ReplicationDestination{
			Bucket:                  destination,
			StorageClass:            "STANDARD",
			EncryptionConfiguration: &cos.ReplicationEncryptionConfiguration{ReplicaKmsKeyID: "own-key"},
		},
		DeleteMarkerReplication: &cos.DeleteMarkerReplication{Status: "Disabled"},
		SourceSelectionCriteria: &cos.SourceSelectionCriteria{
			SseKmsEncryptedObjects: &cos.SseKmsEncryptedObjects{Status: "Enabled"},
		},
	}}}
	done(bucket.Bucket.PutBucketReplication(ctx, filtered))
	sameXML(got(bucket.Bucket.GetBucketReplication(ctx)), filtered, "GetBucketReplication of a filter")
	done(bucket.Bucket.DeleteBucketReplication(ctx))
	gone := "ReplicationConfigurationNotFoundError"
	refused(404, gone, "GetBucketReplication after its deletion")(bucket.Bucket.GetBucketReplication(ctx))
	plain := newBucket("plain")
	refused(409, "InvalidBucketState", "replication without versioning")(plain.Bucket.PutBucketReplication(ctx, value))
}

func domain(bucket bucket) {
	name := "www.one.example"
	value := &cos.BucketPutDomainOptions{Rules: []cos.BucketDomainRule{
		{Status: "ENABLED", Name: name, Type: "REST", ForcedReplacement: "CNAME"},
		{Status: "DISABLED", Name: "two.example", Type: "WEBSITE"},
	}}
	done(bucket.Bucket.PutDomain(ctx, value))
	found, response, err := bucket.Bucket.GetDomain(ctx)
	verification := done(response, err).Header.Get("x-cos-domain-txt-verification")
	check(strings.HasPrefix(verification, "tencent-cloud-cos-verification="), "the verification of a domain: %q", verification)
	sameXML(found, value, "GetDomain")
	certificate := &cos.BucketPutDomainCertificateOptions{
		CertificateInfo: &cos.BucketDomainCertificateInfo{
			CertType:   "CustomCert",
			CustomCert: &cos.BucketDomainCustomCert{Cert: "certificate", PrivateKey: "key"},
		},
		DomainList: []string{name},
	}
	done(bucket.Bucket.PutDomainCertificate(ctx, certificate))
	of := &cos.BucketGetDomainCertificateOptions{DomainName: name}
	installed := got(bucket.Bucket.GetDomainCertificate(ctx, of))
	same(installed.Status, "Enabled", "the status of a certificate")
	info := installed.CertificateInfo
	check(info.CertId != "" && info.ValidityBegin < info.ValidityExpire, "a certificate: %+v", info)
	removed := cos.BucketDeleteDomainCertificateOptions(*of)
	done(bucket.Bucket.DeleteDomainCertificate(ctx, &removed))
	gone := "DomainConfigNotFoundError"
	refused(404, gone, "a certificate that is gone")(bucket.Bucket.GetDomainCertificate(ctx, of))
	done(bucket.Bucket.DeleteDomain(ctx))
	refused(404, gone, "GetDomain after its deletion")(bucket.Bucket.GetDomain(ctx))
}

// privateHost is a source that wants a signature.
func privateHost(index int64, name string) *cos.BucketOriginPrivateHost {
	provider := &cos.BucketOriginCredentialProvider{Role: "qcs::cam::uin/100000000001:roleName/COSOrigin_QCSRole"}
	return &cos.BucketOriginPrivateHost{Index: index, Host: name, CredentialProvider: provider}
}

func origin(bucket bucket) {
	parameters := &cos.BucketOriginParameter{
		Protocol:             "FOLLOW",
		TransparentErrorCode: cos.Bool(false),
		FollowQueryString:    cos.Bool(true),
		HttpHeader: &cos.BucketOriginHttpHeader{
			FollowAllHeaders:    cos.Bool(false),
			NewHttpHeaders:      []cos.OriginHttpHeader{{Key: "x-cos-a", Value: "b"}, {Key: "x-cos-c", Value: "d"}},
			FollowHttpHeaders:   []cos.OriginHttpHeader{{Key: "followed"}},
			ForbidFollowHeaders: []cos.OriginHttpHeader{{Key: "forbidden"}},
		},
		FollowRedirection: cos.Bool(true),
		FollowRedirectionConfiguration: &cos.FollowRedirectionConfiguration{
			FollowOriginHeaders: cos.Bool(true),
			FollowUrlAutoDecode: cos.Bool(false),
		},
		HttpRedirectCode: "302",
		CopyOriginData:   cos.Bool(true),
	}
	hosts := []*cos.BucketOriginHostInfo{
		{
			HostName: "one.example",
			Weight:   5,
			StandbyHostName: []*cos.BucketOriginStandbyHost{
				{Index: 1, HostName: "two.example"},
				{Index: 2, HostName: "three.example"},
			},
			PrivateHost:          privateHost(0, "four.example"),
			PrivateStandbyHost_N: []*cos.BucketOriginPrivateHost{privateHost(3, "five.example")},
		},
		{HostName: "six.example", Weight: 1},
		{PrivateHost: privateHost(0, "seven.example")},
		// {PrivateHost: privateHost(0, "seven.example"), Weight: 1},
	}
	value := &cos.BucketPutOriginOptions{Rule: []cos.BucketOriginRule{
		{
			RulePriority:    1,
			OriginType:      "Mirror",
			OriginCondition: &cos.BucketOriginCondition{HTTPStatusCode: "404", Prefix: "from/", Suffix: ".jpg"},
			OriginParameter: parameters,
			OriginInfo: &cos.BucketOriginInfo{HostInfos: hosts, FileInfo: &cos.BucketOriginFileInfo{
				PrefixConfiguration: &cos.OriginPrefixConfiguration{Prefix: "p/", ReplacedWithPrefix: "q/"},
				SuffixConfiguration: &cos.OriginSuffixConfiguration{Suffix: ".jpg", ReplacedWithSuffix: ".png"},
			}},
			HttpStandbyCode: &cos.HTTPStandbyCode{StatusCode: []string{"403", "5xx"}},
		},
		{
			RulePriority:    2,
			OriginType:      "Redirect",
			OriginCondition: &cos.BucketOriginCondition{HTTPStatusCode: "404", Prefix: "moved/"},
			OriginParameter: &cos.BucketOriginParameter{Protocol: "HTTP", HttpRedirectCode: "302"},
			OriginInfo: &cos.BucketOriginInfo{
				HostInfos: []*cos.BucketOriginHostInfo{{HostName: "eight.example"}},
				FileInfo: &cos.BucketOriginFileInfo{
					FixedFileConfiguration: &cos.OriginFixedFileConfiguration{FixedFilePath: "moved.html"},
				},
			},
		},
	}}
	done(bucket.Bucket.PutOrigin(ctx, value))
	sameXML(got(bucket.Bucket.GetOrigin(ctx)), value, "GetOrigin")
	// The SDK follows no redirection.
	moved, err := bucket.Object.Get(ctx, "moved/key", nil)
	check(err != nil && moved != nil, "a redirection is no success")
	same(moved.StatusCode, 302, "the status of a redirection")
	same(moved.Header.Get("Location"), "http://eight.example/moved.html", "a redirection to the origin")
	done(bucket.Bucket.DeleteOrigin(ctx))
	refused(404, "OriginConfigurationNotFoundError", "GetOrigin after its deletion")(bucket.Bucket.GetOrigin(ctx))
}

func encryption(bucket bucket) {
	value := &cos.BucketPutEncryptionOptions{Rule: &cos.BucketEncryptionConfiguration{SSEAlgorithm: "AES256"}}
	done(bucket.Bucket.PutEncryption(ctx, value))
	sameXML(got(bucket.Bucket.GetEncryption(ctx)), value, "GetEncryption")
	same(bucket.put("by default", "x").Get("x-cos-server-side-encryption"), "AES256", "encryption by default")
	kms := &cos.BucketPutEncryptionOptions{Rule: &cos.BucketEncryptionConfiguration{
		SSEAlgorithm:   "KMS",
		KMSMasterKeyID: "own-key",
		KMSAlgorithm:   "AES256",
	}}
	done(bucket.Bucket.PutEncryption(ctx, kms))
	sameXML(got(bucket.Bucket.GetEncryption(ctx)), kms, "GetEncryption of KMS")
	done(bucket.Bucket.DeleteEncryption(ctx))
	refused(404, "NoSuchEncryptionConfiguration", "GetEncryption after its deletion")(bucket.Bucket.GetEncryption(ctx))
}

func acceleration(bucket bucket) {
	same(got(bucket.Bucket.GetAccelerate(ctx)).Status, "", "acceleration that was never set")
	for _, status := range []string{"Enabled", "Suspended"} {
		value := &cos.BucketPutAccelerateOptions{Status: status, Type: "COS"}
		done(bucket.Bucket.PutAccelerate(ctx, value))
		sameXML(got(bucket.Bucket.GetAccelerate(ctx)), value, "GetAccelerate")
	}
}

func inventory(bucket bucket, destination string) {
	daily := func(name string) *cos.BucketPutInventoryOptions {
		return &cos.BucketPutInventoryOptions{
			ID:                     name,
			IsEnabled:              "true",
			IncludedObjectVersions: "All",
			Filter: &cos.BucketInventoryFilter{
				Prefix:       "some/",
				Tags:         []cos.ObjectTaggingTag{{Key: "a", Value: "b"}},
				StorageClass: "STANDARD",
				Period:       &cos.BucketInventoryFilterPeriod{StartTime: 1768688761, EndTime: 1568688762},
			},
			OptionalFields: &cos.BucketInventoryOptionalFields{BucketInventoryFields: []string{"Size", "LastModifiedDate", "ETag"}},
			Schedule:       &cos.BucketInventorySchedule{Frequency: "Daily"},
			Destination: &cos.BucketInventoryDestination{
				Bucket:     destination,
				AccountId:  "100000000001",
				Prefix:     "lists",
				Format:     "CSV",
				Encryption: &cos.BucketInventoryEncryption{},
			},
		}
	}
	names := make([]string, 101)
	for number := range names {
		names[number] = fmt.Sprintf("id-%03d", number)
	}
	inParallel(names, func(name string) { done(bucket.Bucket.PutInventory(ctx, name, daily(name))) })
	sameXML(got(bucket.Bucket.GetInventory(ctx, "id-007")), daily("id-007"), "GetInventory")
	first := got(bucket.Bucket.ListInventoryConfigurations(ctx, ""))
	same(fmt.Sprint(first.IsTruncated, len(first.InventoryConfigurations)), "true 100", "the first page of inventories")
	rest := got(bucket.Bucket.ListInventoryConfigurations(ctx, first.NextContinuationToken))
	same(rest.IsTruncated, false, "the last page of inventories")
	listed := append(first.InventoryConfigurations, rest.InventoryConfigurations...)
	sort.Slice(listed, func(one, two int) bool { return listed[one].ID < listed[two].ID })
	same(len(listed), len(names), "the inventories of both pages")
	for at, name := range names {
		sameXML(&listed[at], daily(name), "a listed inventory")
	}
	inParallel(names, func(name string) { done(bucket.Bucket.DeleteInventory(ctx, name)) })
	gone := "InventoryConfigurationNotFoundError"
	refused(404, gone, "an inventory that is gone")(bucket.Bucket.GetInventory(ctx, "id-007"))
	same(len(got(bucket.Bucket.ListInventoryConfigurations(ctx, "")).InventoryConfigurations), 0, "the inventories that are left")

	// As the SDK's own test has it: `True` comes back as `true`, and no account is named.
	done(bucket.Bucket.PutInventory(ctx, "test1", &cos.BucketPutInventoryOptions{
		ID:                     "test1",
		IsEnabled:              "True",
		IncludedObjectVersions: "All",
		Filter:                 &cos.BucketInventoryFilter{Prefix: "test"},
		OptionalFields:         &cos.BucketInventoryOptionalFields{BucketInventoryFields: []string{"Size", "LastModifiedDate"}},
		Schedule:               &cos.BucketInventorySchedule{Frequency: "Daily"},
		Destination:            &cos.BucketInventoryDestination{Bucket: destination, Format: "CSV"},
	}))
	same(got(bucket.Bucket.GetInventory(ctx, "test1")).IsEnabled, "true", "an inventory that is enabled")
	once := &cos.BucketPostInventoryOptions{ID: "once", IncludedObjectVersions: "All", Destination: daily("").Destination}
	done(bucket.Bucket.PostInventory(ctx, "once", once))
	refused(409, "DuplicateInventoryId", "the same inventory once more")(bucket.Bucket.PostInventory(ctx, "once", once))
}

func bucketLogging(bucket bucket) {
	same(got(bucket.Bucket.GetLogging(ctx)).LoggingEnabled, nil, "logging that was never set")
	for _, prefix := range []string{"logs/", ""} {
		enabled := &cos.BucketLoggingEnabled{TargetBucket: nameOf("destination"), TargetPrefix: prefix}
		value := &cos.BucketPutLoggingOptions{LoggingEnabled: enabled}
		done(bucket.Bucket.PutLogging(ctx, value))
		sameXML(got(bucket.Bucket.GetLogging(ctx)), value, "GetLogging")
	}
	done(bucket.Bucket.PutLogging(ctx, &cos.BucketPutLoggingOptions{}))
	same(got(bucket.Bucket.GetLogging(ctx)).LoggingEnabled, nil, "logging that was taken away")
}

func tiering() {
	bucket := newBucket("tiering")
	same(got(bucket.Bucket.GetIntelligentTiering(ctx)).Status, "", "tiering that was never set")
	value := &cos.BucketPutIntelligentTieringOptions{
		Status:     "Enabled",
		Transition: &cos.BucketIntelligentTieringTransition{Days: 30},
	}
	// The SDK adds the number of requests itself.
	done(bucket.Bucket.PutIntelligentTiering(ctx, value))
	sameXML(got(bucket.Bucket.GetIntelligentTiering(ctx)), value, "GetIntelligentTiering")

	bucket = newBucket("tiers")
	var put []*cos.IntelligentTieringConfiguration
	filter := &cos.BucketIntelligentTieringFilter{And: &cos.BucketIntelligentTieringFilterAnd{
		Prefix: "a/",
		Tag:    []*cos.BucketTaggingTag{{Key: "a", Value: "b"}, {Key: "c", Value: "d"}},
	}}
	for id, filter := range map[string]*cos.BucketIntelligentTieringFilter{"default": nil, "own": filter} {
		rule := &cos.BucketPutIntelligentTieringOptions{
			Id:      id,
			Status:  "Enabled",
			Filter:  filter,
			Tiering: []*cos.BucketIntelligentTieringTransition{{AccessTier: "INFREQUENT", Days: 30, RequestFrequent: 1}},
		}
		done(bucket.Bucket.PutIntelligentTieringV2(ctx, rule))
		sameXML(got(bucket.Bucket.GetIntelligentTieringV2(ctx, id)), rule, "GetIntelligentTieringV2")
		put = append(put, &cos.IntelligentTieringConfiguration{Id: id, Status: "Enabled", Filter: filter, Tiering: rule.Tiering})
	}
	sort.Slice(put, func(one, two int) bool { return put[one].Id < put[two].Id })
	same(string(done(json.Marshal(got(bucket.Bucket.ListIntelligentTiering(ctx)).Configurations))),
		string(done(json.Marshal(put))), "ListIntelligentTiering")
	done(bucket.Bucket.DeleteIntelligentTiering(ctx, "own"))
	same(len(got(bucket.Bucket.ListIntelligentTiering(ctx)).Configurations), 1, "the rules that are left")
}

// everything is what the SDK asks for at once; it takes an error 404 for none.
func everything(bucket bucket) {
	value := &cos.BucketPutWebsiteOptions{Index: "index.html"}
	done(bucket.Bucket.PutWebsite(ctx, value))
	found := got(bucket.Bucket.GetMeta(ctx))
	same([]string{found.BucketName, found.Location}, []string{bucket.name, region}, "what GetMeta says of the bucket")
	same(fmt.Sprint(found.MAZ, found.OFS), "false false", "the kind of the bucket")
	sameXML(found.Website, value, "the website of GetMeta")
	same(found.Versioning.Status, "Enabled", "the versioning of GetMeta")
	same(grants(found.ACL), []string{"FULL_CONTROL " + owner}, "the ACL of GetMeta")
	check(found.Encryption == nil && found.CORS == nil && found.Lifecycle == nil && found.Tagging == nil &&
		found.ObjectLock == nil && found.Replication == nil, "what GetMeta does not find: %+v", found)
}
