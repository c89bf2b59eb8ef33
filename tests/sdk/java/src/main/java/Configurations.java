import com.qcloud.cos.COSClient;
import com.qcloud.cos.model.*;
import com.qcloud.cos.model.SetBucketInventoryConfigurationRequest;
import com.qcloud.cos.model.BucketLifecycleConfiguration.NoncurrentVersionTransition;
import com.qcloud.cos.model.BucketLifecycleConfiguration.Rule;
import com.qcloud.cos.model.BucketLifecycleConfiguration.Transition;
import com.qcloud.cos.model.CORSRule.AllowedMethods;
import com.qcloud.cos.model.IntelligentTiering.BucketIntelligentTieringConfiguration;
import com.qcloud.cos.model.Tag.LifecycleTagPredicate;
import com.qcloud.cos.model.Tag.Tag;
import com.qcloud.cos.model.bucketcertificate.BucketDomainCertificateInfo;
import com.qcloud.cos.model.bucketcertificate.BucketPutDomainCertificate;
import com.qcloud.cos.model.inventory.*;
import com.qcloud.cos.model.inventory.InventoryFrequency;
import com.qcloud.cos.model.lifecycle.LifecycleAndOperator;
import com.qcloud.cos.model.lifecycle.LifecycleFilter;
import com.qcloud.cos.model.lifecycle.LifecyclePrefixPredicate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** Every configuration of a bucket that the SDK has calls for: put, read, compared, removed, and then not there. */
final class Configurations {

    /** Writes the documents of configurations, which have no equality of their own. */
    private static final BucketConfigurationXmlFactory DOCUMENTS = new BucketConfigurationXmlFactory();

    private Configurations() {}

    static void cors() throws Exception {
        TestBucket bucket = TestBucket.made("cors");
        COSClient client = bucket.client();
        Kit.same(client.getBucketCrossOriginConfiguration(bucket.name()), null, "no rules");
        CORSRule rule = new CORSRule().withId("a rule").withMaxAgeSeconds(600);
        rule.setAllowedOrigins("https://example.com", "http://*.example.org");
        rule.setAllowedMethods(AllowedMethods.GET, AllowedMethods.PUT, AllowedMethods.HEAD);
        rule.setAllowedHeaders("x-cos-meta-one", "*");
        rule.setExposedHeaders("ETag", "x-cos-request-id");
        CORSRule other = new CORSRule();
        other.setAllowedOrigins("*");
        other.setAllowedMethods(AllowedMethods.POST, AllowedMethods.DELETE);
        BucketCrossOriginConfiguration put = new BucketCrossOriginConfiguration(List.of(rule, other));
        client.setBucketCrossOriginConfiguration(bucket.name(), put);
        BucketCrossOriginConfiguration read = client.getBucketCrossOriginConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the rules");
        client.deleteBucketCrossOriginConfiguration(bucket.name());
        Kit.same(client.getBucketCrossOriginConfiguration(bucket.name()), null, "no rules any more");
    }

    static void lifecycle() throws Exception {
        TestBucket bucket = TestBucket.versioned("lifecycle");
        COSClient client = bucket.client();
        Kit.same(client.getBucketLifecycleConfiguration(bucket.name()), null, "no rules");
        Rule aging = new Rule().withId("aging").withStatus(BucketLifecycleConfiguration.ENABLED).withExpirationInDays(365);
        aging.setFilter(new LifecycleFilter(new LifecyclePrefixPredicate("logs/")));
        aging.addTransition(new Transition().withDays(30).withStorageClass(Kit.classOf(StorageClass.Standard_IA)));
        aging.addTransition(new Transition().withDays(90).withStorageClass(Kit.classOf(StorageClass.Archive)));
        Rule tagged = new Rule().withId("tagged").withStatus(BucketLifecycleConfiguration.DISABLED);
        tagged.setFilter(new LifecycleFilter(new LifecycleAndOperator(List.of(
                new LifecyclePrefixPredicate("tagged/"), new LifecycleTagPredicate(new Tag("one", "1")),
                new LifecycleTagPredicate(new Tag("two", "2"))))));
        tagged.setExpirationDate(Date.from(Instant.parse("2035-06-01T00:00:00Z")));
        Rule versions = new Rule().withId("versions").withStatus(BucketLifecycleConfiguration.ENABLED);
        versions.setFilter(new LifecycleFilter(new LifecyclePrefixPredicate("versions/")));
        versions.setExpiredObjectDeleteMarker(true);
        versions.setNoncurrentVersionExpirationInDays(100);
        versions.addNoncurrentVersionTransition(
                new NoncurrentVersionTransition().withDays(10).withStorageClass(Kit.classOf(StorageClass.Archive)));
        Rule uploads = new Rule().withId("uploads").withStatus(BucketLifecycleConfiguration.ENABLED);
        uploads.setFilter(new LifecycleFilter(new LifecyclePrefixPredicate("uploads/")));
        uploads.setAbortIncompleteMultipartUpload(new AbortIncompleteMultipartUpload().withDaysAfterInitiation(7));
        BucketLifecycleConfiguration put = new BucketLifecycleConfiguration().withRules(aging, tagged, versions, uploads);
        client.setBucketLifecycleConfiguration(bucket.name(), put);
        BucketLifecycleConfiguration read = client.getBucketLifecycleConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the rules");
        client.deleteBucketLifecycleConfiguration(bucket.name());
        Kit.same(client.getBucketLifecycleConfiguration(bucket.name()), null, "no rules any more");
    }

    static void tagging() throws Exception {
        TestBucket bucket = TestBucket.made("bucket-tags");
        COSClient client = bucket.client();
        Kit.same(client.getBucketTaggingConfiguration(bucket.name()), null, "no tags");
        Map<String, String> tags = Map.of("one", "1", "two words", "a+b=c:/@", "中文", "中文");
        client.setBucketTaggingConfiguration(
                bucket.name(), new BucketTaggingConfiguration().withTagSets(new TagSet(tags)));
        Kit.same(client.getBucketTaggingConfiguration(bucket.name()).getTagSet().getAllTags(), tags, "the tags");
        client.deleteBucketTaggingConfiguration(bucket.name());
        Kit.same(client.getBucketTaggingConfiguration(bucket.name()), null, "no tags any more");
    }

    static void referer() throws Exception {
        TestBucket bucket = TestBucket.made("referer");
        COSClient client = bucket.client();
        client.putObject(bucket.upload("key", Kit.bytes("content")).withCannedAcl(CannedAccessControlList.PublicRead));
        Kit.same(client.getBucketRefererConfiguration(bucket.name()).getStatus(), null, "no list");
        BucketRefererConfiguration put = new BucketRefererConfiguration();
        put.setStatus(BucketRefererConfiguration.ENABLED);
        put.setRefererType(BucketRefererConfiguration.WHITELIST);
        put.setDomainList(List.of("example.com", "*.example.org"));
        put.setEmptyReferConfiguration(BucketRefererConfiguration.DENY);
        client.setBucketRefererConfiguration(bucket.name(), put);
        BucketRefererConfiguration read = client.getBucketRefererConfiguration(bucket.name());
        Kit.same(read.getStatus() + read.getRefererType(), "EnabledWhite-List", "the list");
        Kit.same(read.getDomainList(), List.of("example.com", "*.example.org"), "the domains");
        Kit.same(read.getEmptyReferConfiguration(), BucketRefererConfiguration.DENY, "what has none");
        String address = bucket.address("key");
        Kit.answered(Kit.get(address, "Referer", "http://www.example.org/page"), 200, "content", "a referer of the list");
        Kit.answered(Kit.get(address, "Referer", "http://example.net/"), 403, "AccessDenied", "another referer");
        Kit.answered(Kit.get(address), 403, "AccessDenied", "no referer");
        put.setStatus(BucketRefererConfiguration.DISABLED);
        client.setBucketRefererConfiguration(bucket.name(), put);
        Kit.answered(Kit.get(address), 200, "content", "a list that is off");
    }

    static void website() throws Exception {
        TestBucket bucket = TestBucket.made("website");
        COSClient client = bucket.client();
        Kit.same(client.getBucketWebsiteConfiguration(bucket.name()), null, "no website");
        BucketWebsiteConfiguration put = new BucketWebsiteConfiguration("index.html", "error.html");
        put.setRedirectAllRequestsTo(new RedirectRule().withProtocol("https"));
        put.setRoutingRules(List.of(
                new RoutingRule()
                        .withCondition(new RoutingRuleCondition().withHttpErrorCodeReturnedEquals("404"))
                        .withRedirect(new RedirectRule().withProtocol("https").withReplaceKeyWith("404.html")),
                new RoutingRule()
                        .withCondition(new RoutingRuleCondition().withKeyPrefixEquals("old/"))
                        .withRedirect(new RedirectRule().withReplaceKeyPrefixWith("new/"))));
        client.setBucketWebsiteConfiguration(bucket.name(), put);
        BucketWebsiteConfiguration read = client.getBucketWebsiteConfiguration(bucket.name());
        // Into a condition that has no prefix, the SDK writes an empty one, both times.
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the website");
        client.deleteBucketWebsiteConfiguration(bucket.name());
        Kit.same(client.getBucketWebsiteConfiguration(bucket.name()), null, "no website any more");

        client.setBucketWebsiteConfiguration(bucket.name(), new BucketWebsiteConfiguration("index.html"));
        client.putObject(bucket.upload("index.html", Kit.bytes("<p>")).withCannedAcl(CannedAccessControlList.PublicRead));
        String site = "http://" + bucket.name() + ".cos-website." + Kit.REGION + ".myqcloud.com/";
        Kit.answered(Kit.get(site), 200, "<p>", "the page of the website");
    }

    static void replication() throws Exception {
        TestBucket bucket = TestBucket.versioned("replication");
        TestBucket copy = TestBucket.versioned("replica");
        COSClient client = bucket.client();
        Kit.refused(
                404, "ReplicationConfigurationNotFoundError", "no rules",
                () -> client.getBucketReplicationConfiguration(bucket.name()));
        ReplicationDestinationConfig destination = new ReplicationDestinationConfig()
                .withBucketQCS("qcs::cos:" + Kit.REGION + "::" + copy.name())
                .withStorageClass(StorageClass.Standard);
        BucketReplicationConfiguration put = new BucketReplicationConfiguration().withRoleName(Kit.OWNER);
        put.addRule(new ReplicationRule()
                .withID("a rule")
                .withPrefix("copied/")
                .withStatus(ReplicationRuleStatus.Enabled)
                .withDestinationConfig(destination));
        client.setBucketReplicationConfiguration(bucket.name(), put);
        BucketReplicationConfiguration read = client.getBucketReplicationConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the rules");
        client.deleteBucketReplicationConfiguration(bucket.name());
        Kit.refused(
                404, "ReplicationConfigurationNotFoundError", "no rules any more",
                () -> client.getBucketReplicationConfiguration(bucket.name()));
    }

    static void logging() throws Exception {
        TestBucket bucket = TestBucket.made("logging");
        COSClient client = bucket.client();
        Kit.check(!client.getBucketLoggingConfiguration(bucket.name()).isLoggingEnabled(), "no logging");
        BucketLoggingConfiguration put = new BucketLoggingConfiguration(bucket.name(), "logs/");
        client.setBucketLoggingConfiguration(new SetBucketLoggingConfigurationRequest(bucket.name(), put));
        BucketLoggingConfiguration read = client.getBucketLoggingConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the logging");
        BucketLoggingConfiguration none = new BucketLoggingConfiguration();
        client.setBucketLoggingConfiguration(new SetBucketLoggingConfigurationRequest(bucket.name(), none));
        Kit.check(!client.getBucketLoggingConfiguration(bucket.name()).isLoggingEnabled(), "no logging any more");
    }

    static void inventory() throws Exception {
        TestBucket bucket = TestBucket.made("inventory");
        COSClient client = bucket.client();
        Kit.same(inventories(bucket), null, "no inventories");
        InventoryConfiguration first = inventory(bucket, "first", InventoryFrequency.Daily);
        InventoryConfiguration second = inventory(bucket, "second", InventoryFrequency.Weekly);
        client.setBucketInventoryConfiguration(bucket.name(), first);
        client.setBucketInventoryConfiguration(bucket.name(), second);
        sameInventory(
                client.getBucketInventoryConfiguration(bucket.name(), "first").getInventoryConfiguration(), first,
                "an inventory");
        Kit.same(inventories(bucket).size(), 2, "the inventories");
        sameInventory(inventories(bucket).get(0), first, "the first of the list");
        sameInventory(inventories(bucket).get(1), second, "the second of the list");
        client.deleteBucketInventoryConfiguration(bucket.name(), "first");
        Kit.refused(
                404, "InventoryConfigurationNotFoundError", "a removed inventory",
                () -> client.getBucketInventoryConfiguration(bucket.name(), "first"));
        Kit.same(inventories(bucket).size(), 1, "the inventories that are left");
        SetBucketInventoryConfigurationRequest once = new SetBucketInventoryConfigurationRequest(
                bucket.name(), inventory(bucket, "once", InventoryFrequency.Daily));
        Kit.check(!client.postBucketInventoryConfiguration(once).getJobId().isEmpty(), "an inventory that is made once");
    }

    private static InventoryConfiguration inventory(TestBucket bucket, String id, InventoryFrequency frequency) {
        InventoryCosBucketDestination destination = new InventoryCosBucketDestination()
                .withAccountId("100000000001")
                .withBucketArn("qcs::cos:" + Kit.REGION + "::" + bucket.name())
                .withFormat(InventoryFormat.CSV)
                .withPrefix("inventories/")
                .withEncryption(new ServerSideEncryptionCOS());
        return new InventoryConfiguration()
                .withId(id)
                .withEnabled(true)
                .withIncludedObjectVersions(InventoryIncludedObjectVersions.All)
                .withDestination(new InventoryDestination().withCosBucketDestination(destination))
                .withFilter(new InventoryFilter(new InventoryPrefixPredicate("some/")))
                .withOptionalFields(List.of(
                        InventoryOptionalField.Size.toString(), InventoryOptionalField.LastModifiedDate.toString(),
                        InventoryOptionalField.ETag.toString()))
                .withSchedule(new InventorySchedule().withFrequency(frequency));
    }

    private static void sameInventory(InventoryConfiguration actual, InventoryConfiguration expected, String what) {
        Kit.sameDocument(
                DOCUMENTS.convertToXmlByteArray(actual, false), DOCUMENTS.convertToXmlByteArray(expected, false), what);
    }

    private static List<InventoryConfiguration> inventories(TestBucket bucket) {
        ListBucketInventoryConfigurationsRequest request =
                new ListBucketInventoryConfigurationsRequest().withBucketName(bucket.name());
        return bucket.client().listBucketInventoryConfigurations(request).getInventoryConfigurationList();
    }

    static void encryption() throws Exception {
        TestBucket bucket = TestBucket.made("bucket-encryption");
        COSClient client = bucket.client();
        Kit.refused(
                404, "NoSuchEncryptionConfiguration", "no encryption",
                () -> client.getBucketEncryptionConfiguration(bucket.name()));
        BucketEncryptionConfiguration put = new BucketEncryptionConfiguration();
        put.setSseAlgorithm("KMS");
        put.setKmsMasterKeyID("a-key");
        put.setKMSAlgorithm("AES256");
        put.setBucketEnabled("true");
        client.putBucketEncryptionConfiguration(bucket.name(), put);
        BucketEncryptionConfiguration read = client.getBucketEncryptionConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the encryption");
        BucketEncryptionConfiguration own = new BucketEncryptionConfiguration();
        own.setSseAlgorithm("AES256");
        client.putBucketEncryptionConfiguration(bucket.name(), own);
        Kit.same(bucket.put("key", "content").getSSEAlgorithm(), "AES256", "an upload that says nothing");
        client.deleteBucketEncryptionConfiguration(bucket.name());
        Kit.refused(
                404, "NoSuchEncryptionConfiguration", "no encryption any more",
                () -> client.getBucketEncryptionConfiguration(bucket.name()));
    }

    static void domain() throws Exception {
        TestBucket bucket = TestBucket.made("domain");
        COSClient client = bucket.client();
        Kit.same(client.getBucketDomainConfiguration(bucket.name()), null, "no domains");
        DomainRule rule = new DomainRule();
        rule.setStatus("ENABLED");
        rule.setName("java.example.com");
        rule.setType("REST");
        rule.setForcedReplacement("CNAME");
        BucketDomainConfiguration put = new BucketDomainConfiguration().withDomainRules(List.of(rule));
        client.setBucketDomainConfiguration(bucket.name(), put);
        BucketDomainConfiguration read = client.getBucketDomainConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the domains");
        Kit.check(!read.getDomainTxtVerification().isEmpty(), "the text that proves a domain");
        certificate(bucket, rule.getName());
        client.deleteBucketDomainConfiguration(bucket.name());
        Kit.same(client.getBucketDomainConfiguration(bucket.name()), null, "no domains any more");
    }

    private static void certificate(TestBucket bucket, String domain) {
        COSClient client = bucket.client();
        BucketDomainCertificateInfo info = new BucketDomainCertificateInfo();
        info.setCertType("CustomCert");
        info.setCert("-----BEGIN CERTIFICATE-----");
        info.setPrivateKey("-----BEGIN RSA PRIVATE KEY-----");
        BucketPutDomainCertificate put = new BucketPutDomainCertificate();
        put.setBucketDomainCertificateInfo(info);
        put.setDomainList(List.of(domain));
        Kit.same(client.getBucketDomainCertificate(bucket.name(), domain), null, "no certificate");
        client.setBucketDomainCertificate(bucket.name(), put);
        Kit.same(client.getBucketDomainCertificate(bucket.name(), domain).getStatus(), "Enabled", "the certificate");
        client.deleteBucketDomainCertificate(bucket.name(), domain);
        Kit.same(client.getBucketDomainCertificate(bucket.name(), domain), null, "no certificate any more");
    }

    static void intelligentTiering() throws Exception {
        TestBucket bucket = TestBucket.made("tiering");
        COSClient client = bucket.client();
        Kit.same(client.getBucketIntelligentTierConfiguration(bucket.name()).getStatus(), null, "no tiering");
        BucketIntelligentTierConfiguration put = new BucketIntelligentTierConfiguration();
        put.setStatus(BucketIntelligentTierConfiguration.ENABLED);
        put.setTransition(new BucketIntelligentTierConfiguration.Transition(30));
        client.setBucketIntelligentTieringConfiguration(
                new SetBucketIntelligentTierConfigurationRequest(bucket.name(), put));
        BucketIntelligentTierConfiguration read = client.getBucketIntelligentTierConfiguration(bucket.name());
        Kit.sameDocument(DOCUMENTS.convertToXmlByteArray(read), DOCUMENTS.convertToXmlByteArray(put), "the tiering");
        rules(bucket);
    }

    private static void rules(TestBucket bucket) throws Exception {
        Kit.configure(bucket.name(), Map.of("intelligent-tiering", "", "id", "a-rule"), """
                <IntelligentTieringConfiguration><Id>a-rule</Id><Status>Enabled</Status><Filter><And>
                <Prefix>some/</Prefix><Tag><Key>one</Key><Value>1</Value></Tag><Tag><Key>two</Key><Value>2</Value></Tag>
                </And></Filter><Tiering><AccessTier>INFREQUENT</AccessTier><Days>30</Days>
                <RequestFrequent>1</RequestFrequent></Tiering></IntelligentTieringConfiguration>""");
        List<BucketIntelligentTieringConfiguration> rules =
                bucket.client().listBucketIntelligentTieringConfiguration(bucket.name());
        BucketIntelligentTieringConfiguration rule = rules.get(rules.size() - 1);
        Kit.same(rule.getRuleId() + rule.getStatus(), "a-ruleEnabled", "the rule");
        Kit.same(rule.getFilter().getPrefix(), "some/", "the prefix of the rule");
        Kit.same(
                rule.getFilter().getAllTagSets().stream().map(TagSet::getAllTags).toList(),
                List.of(Map.of("one", "1"), Map.of("two", "2")), "the tags of the rule");
        Kit.same(rule.getTieringTransitions().get(0).getAccessTier(), "INFREQUENT", "the tier of the rule");
        Kit.same(rule.getTieringTransitions().get(0).getDays(), 30, "the days of the rule");
    }

    static void objectLock() throws Exception {
        TestBucket bucket = TestBucket.made("object-lock");
        Kit.same(bucket.client().getBucketObjectLockConfiguration(bucket.name()), null, "no lock");
        Kit.configure(bucket.name(), Map.of("object-lock", ""), """
                <ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>
                <Days>30</Days><Mode>COMPLIANCE</Mode></DefaultRetention></Rule></ObjectLockConfiguration>""");
        BucketObjectLockConfiguration read = bucket.client().getBucketObjectLockConfiguration(bucket.name());
        Kit.same(read.getStatus() + read.getRetentionMode(), "EnabledCOMPLIANCE", "the lock");
        Kit.same(read.getRetentionDays(), 30, "the days of the lock");
    }

    /** One call that reads them all. */
    static void together() throws Exception {
        TestBucket bucket = TestBucket.made("together");
        BucketGetMetadataResult bare = bucket.client().getBucketMetadata(bucket.name());
        Kit.same(bare.location, Kit.REGION, "the region");
        Kit.same(bare.versioningConfiguration.getStatus(), BucketVersioningConfiguration.OFF, "no versions");
        Kit.same(bare.websiteConfiguration, null, "no website");
        Kit.same(bare.lifecycleConfiguration, null, "no lifecycle");
        bucket.client().setBucketWebsiteConfiguration(bucket.name(), new BucketWebsiteConfiguration("index.html"));
        BucketGetMetadataResult more = bucket.client().getBucketMetadata(bucket.name());
        Kit.same(more.websiteConfiguration.getIndexDocumentSuffix(), "index.html", "the website");
    }
}
