import com.fasterxml.jackson.databind.ObjectMapper;
import com.qcloud.cos.COSClient;
import com.qcloud.cos.auth.AnonymousCOSCredentials;
import com.qcloud.cos.auth.BasicCOSCredentials;
import com.qcloud.cos.auth.COSCredentials;
import com.qcloud.cos.auth.COSSigner;
import com.qcloud.cos.endpoint.EndpointResolver;
import com.qcloud.cos.endpoint.UserSpecifiedEndpointBuilder;
import com.qcloud.cos.http.HttpMethodName;
import com.qcloud.cos.model.*;
import com.qcloud.cos.utils.Base64;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** Who may do what: signatures, URLs that are signed beforehand, access control lists and policies. */
final class Access {

    private static final COSCredentials NOBODY = new AnonymousCOSCredentials();

    private Access() {}

    static void presigned() throws Exception {
        TestBucket bucket = TestBucket.versioned("presigned");
        COSClient client = bucket.client();
        String key = "a key+中文";
        String put = signed(bucket, key, HttpMethodName.PUT, Map.of());
        Kit.answered(Kit.send("PUT", put, Kit.bytes("first")), 200, "", "a presigned PUT");
        String first = bucket.head(key).getVersionId();
        bucket.put(key, "second");
        String get = client.generatePresignedUrl(bucket.name(), key, Kit.inAnHour()).toString();
        Kit.answered(Kit.get(get), 200, "second", "a presigned GET");
        Kit.answered(Kit.send("PUT", get, Kit.bytes("x")), 403, "SignatureDoesNotMatch", "a PUT with the URL of a GET");
        Kit.answered(Kit.get(get.replace("a%20key", "other")), 403, "SignatureDoesNotMatch", "the URL of another key");
        Date past = new Date(System.currentTimeMillis() - 60_000);
        String expired = client.generatePresignedUrl(bucket.name(), key, past).toString();
        Kit.answered(Kit.get(expired), 403, "AccessDenied", "an expired GET");
        Kit.answered(Kit.get(signed(bucket, key, false, false)), 200, "second", "a GET that is signed for any host");
        Kit.answered(Kit.get(signed(bucket, key, true, true)), 200, "second", "a signature in one parameter");
        withHeaders(bucket, key, first);
    }

    private static void withHeaders(TestBucket bucket, String key, String version) throws Exception {
        GeneratePresignedUrlRequest dressed = new GeneratePresignedUrlRequest(bucket.name(), key);
        dressed.setVersionId(version);
        dressed.putCustomRequestHeader("Host", Kit.hostOf(bucket.name()));
        ResponseHeaderOverrides headers = new ResponseHeaderOverrides();
        headers.setContentType("text/dressed");
        headers.setContentDisposition("attachment; filename=\"中 文\"");
        dressed.setResponseHeaders(headers);
        HttpResponse<byte[]> answer = Kit.get(bucket.client().generatePresignedUrl(dressed).toString());
        Kit.answered(answer, 200, "first", "a presigned GET of a version");
        Kit.same(answer.headers().firstValue("Content-Type").orElse(null), "text/dressed", "a type that was signed");

        String typed = signed(bucket, "typed", HttpMethodName.PUT, Map.of("Content-Type", "text/typed"));
        Kit.answered(Kit.send("PUT", typed, Kit.bytes("x")), 403, "SignatureDoesNotMatch", "a PUT without its type");
        Kit.answered(Kit.send("PUT", typed, Kit.bytes("x"), "Content-Type", "text/typed"), 200, "", "a PUT with its type");
        Kit.same(bucket.head("typed").getContentType(), "text/typed", "the type that was signed");
        String delete = signed(bucket, "typed", HttpMethodName.DELETE, Map.of());
        Kit.answered(Kit.send("DELETE", delete, new byte[0]), 204, "", "a presigned DELETE");
        Kit.check(!bucket.client().doesObjectExist(bucket.name(), "typed"), "it is deleted");
    }

    private static String signed(TestBucket bucket, String key, HttpMethodName method, Map<String, String> headers) {
        COSClient client = bucket.client();
        return client.generatePresignedUrl(bucket.name(), key, Kit.inAnHour(), method, headers, Map.of()).toString();
    }

    private static String signed(TestBucket bucket, String key, boolean inOneParameter, boolean forHost) {
        return bucket.client()
                .generatePresignedUrl(
                        bucket.name(), key, Kit.inAnHour(), HttpMethodName.GET, Map.of(), Map.of(), inOneParameter, forHost)
                .toString();
    }

    /** An upload as of a page in a browser; the SDK signs its policy. */
    static void form() throws Exception {
        TestBucket bucket = TestBucket.made("form");
        long now = System.currentTimeMillis() / 1000;
        String time = now + ";" + (now + 600);
        String policy = """
                {"expiration": "%s", "conditions": [{"bucket": "%s"}, ["starts-with", "$key", "forms/"],
                {"q-sign-algorithm": "sha1"}, {"q-ak": "AKIDcosemu"}, {"q-sign-time": "%s"}]}
                """.formatted(Instant.ofEpochSecond(now + 600), bucket.name(), time);
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("key", "forms/key");
        fields.put("policy", Base64.encodeAsString(Kit.bytes(policy)));
        fields.put("q-sign-algorithm", "sha1");
        fields.put("q-ak", "AKIDcosemu");
        fields.put("q-key-time", time);
        fields.put("q-sign-time", time);
        fields.put("q-signature", new COSSigner().buildPostObjectSignature("cosemu", time, policy));
        fields.put("file", "content");
        Kit.answered(post(bucket, fields), 204, "", "a form");
        bucket.holds("forms/key", "content");
        fields.put("key", "elsewhere/key");
        Kit.answered(post(bucket, fields), 403, "<Code>AccessDenied</Code>", "a form that its policy does not allow");
    }

    private static HttpResponse<byte[]> post(TestBucket bucket, Map<String, String> fields) throws Exception {
        StringBuilder body = new StringBuilder();
        fields.forEach((name, value) -> body.append("--limit\r\nContent-Disposition: form-data; name=\"")
                .append(name).append("\"\r\n\r\n").append(value).append("\r\n"));
        byte[] content = Kit.bytes(body + "--limit--\r\n");
        return Kit.send("POST", bucket.address(""), content, "Content-Type", "multipart/form-data; boundary=limit");
    }

    static void refusals() throws Exception {
        TestBucket bucket = TestBucket.made("refusals");
        bucket.put("private", "content");
        TestBucket wrong = bucket.as(new BasicCOSCredentials("AKIDcosemu", "a wrong key"));
        Kit.refused(403, "SignatureDoesNotMatch", "a read with a wrong key", () -> wrong.read("private"));
        Kit.refused(403, "SignatureDoesNotMatch", "a write with a wrong key", () -> wrong.put("private", "other"));
        Kit.refused(403, Kit.FORBIDDEN, "a HEAD with a wrong key", () -> wrong.head("private"));
        TestBucket unknown = bucket.as(new BasicCOSCredentials("AKIDunknown", "cosemu"));
        Kit.refused(403, "InvalidAccessKeyId", "a read with an unknown id", () -> unknown.read("private"));
        TestBucket anonymous = bucket.as(NOBODY);
        Kit.refused(403, "AccessDenied", "an anonymous read", () -> anonymous.read("private"));
        Kit.refused(403, "AccessDenied", "an anonymous write", () -> anonymous.put("private", "other"));
        Kit.refused(403, "AccessDenied", "an anonymous list", () -> anonymous.keys(null));
        Kit.answered(Kit.get(bucket.address("private")), 403, "<Code>AccessDenied</Code>", "an anonymous GET");
        PutObjectRequest open = bucket.upload("public", Kit.bytes("open"));
        bucket.client().putObject(open.withCannedAcl(CannedAccessControlList.PublicRead));
        anonymous.holds("public", "open");
        Kit.answered(Kit.get(bucket.address("public")), 200, "open", "an anonymous GET of what is public");
        bucket.holds("private", "content");
    }

    static void lists() throws Exception {
        TestBucket bucket = TestBucket.made("acl");
        COSClient client = bucket.client();
        TestBucket anonymous = bucket.as(NOBODY);
        bucket.put("key", "content");
        AccessControlList plain = client.getObjectAcl(bucket.name(), "key");
        Kit.same(plain.getOwner().getId(), Kit.OWNER, "the owner of an object");
        Kit.same(plain.getCannedAccessControl(), CannedAccessControlList.Default, "the list of an object");
        client.setObjectAcl(bucket.name(), "key", CannedAccessControlList.PublicRead);
        Kit.same(
                client.getObjectAcl(bucket.name(), "key").getCannedAccessControl(), CannedAccessControlList.PublicRead,
                "setObjectAcl");
        anonymous.holds("key", "content");
        client.setObjectAcl(bucket.name(), "key", CannedAccessControlList.Private);
        Kit.refused(403, "AccessDenied", "a read of what is private again", () -> anonymous.read("key"));
        client.setObjectAcl(bucket.name(), "key", CannedAccessControlList.Default);

        AccessControlList given = new AccessControlList();
        given.setOwner(new Owner());
        given.getOwner().setId(Kit.OWNER);
        given.grantPermission(new UinGrantee(Kit.READER), Permission.Read);
        given.grantPermission(GroupGrantee.AllUsers, Permission.Read);
        client.setObjectAcl(bucket.name(), "key", given);
        Kit.same(grants(client.getObjectAcl(bucket.name(), "key")), grants(given), "the grants of an object");
        anonymous.holds("key", "content");

        PutObjectRequest granted = bucket.upload("granted", Kit.bytes("granted"));
        granted.setAccessControlList(new AccessControlList());
        granted.getAccessControlList().grantPermission(new UinGrantee(Kit.READER), Permission.FullControl);
        client.putObject(granted);
        Kit.same(
                grants(client.getObjectAcl(bucket.name(), "granted")), Kit.READER + " FULL_CONTROL",
                "the grants in headers of an upload");
        ofBucket(bucket, anonymous);
    }

    private static void ofBucket(TestBucket bucket, TestBucket anonymous) throws Exception {
        COSClient client = bucket.client();
        Kit.same(
                client.getBucketAcl(bucket.name()).getCannedAccessControl(), CannedAccessControlList.Private,
                "the list of a bucket");
        client.setBucketAcl(bucket.name(), CannedAccessControlList.PublicReadWrite);
        Kit.same(
                client.getBucketAcl(bucket.name()).getCannedAccessControl(), CannedAccessControlList.PublicReadWrite,
                "setBucketAcl");
        anonymous.put("theirs", "anonymous");
        bucket.holds("theirs", "anonymous");
        AccessControlList given = new AccessControlList();
        given.setOwner(new Owner());
        given.getOwner().setId(Kit.OWNER);
        given.grantPermission(new UinGrantee(Kit.READER), Permission.Write);
        given.grantPermission(new UinGrantee(Kit.READER), Permission.ReadAcp);
        client.setBucketAcl(bucket.name(), given);
        Kit.same(grants(client.getBucketAcl(bucket.name())), grants(given), "the grants of a bucket");
        Kit.refused(403, "AccessDenied", "an anonymous write again", () -> anonymous.put("theirs", "other"));
    }

    private static String grants(AccessControlList list) {
        return list.getGrantsAsList().stream().map(Access::words).collect(Collectors.joining(", "));
    }

    private static String words(Grant grant) {
        return grant.getGrantee().getIdentifier() + " " + grant.getPermission();
    }

    static void policy() throws Exception {
        TestBucket bucket = TestBucket.made("policy");
        COSClient client = bucket.client();
        TestBucket anonymous = bucket.as(NOBODY);
        bucket.put("open/key", "open");
        bucket.put("closed/key", "closed");
        Kit.same(client.getBucketPolicy(bucket.name()).getPolicyText(), null, "no policy");
        String policy = """
                {"version": "2.0", "Statement": [{"Effect": "Allow", "Principal": {"qcs": ["qcs::cam::anyone:anyone"]},
                "Action": ["name/cos:GetObject"], "Resource": ["qcs::cos:%s:uid/%s:%s/open/*"]}]}
                """.formatted(Kit.REGION, Kit.APPID, bucket.name());
        client.setBucketPolicy(bucket.name(), policy);
        ObjectMapper json = new ObjectMapper();
        String read = client.getBucketPolicy(bucket.name()).getPolicyText();
        Kit.same(json.readTree(read), json.readTree(policy), "the policy");
        anonymous.holds("open/key", "open");
        Kit.refused(403, "AccessDenied", "what the policy does not name", () -> anonymous.read("closed/key"));
        Kit.refused(400, "MalformedPolicy", "a text that is no policy", () -> client.setBucketPolicy(bucket.name(), "{"));
        client.deleteBucketPolicy(bucket.name());
        Kit.same(client.getBucketPolicy(bucket.name()).getPolicyText(), null, "no policy any more");
        Kit.refused(403, "AccessDenied", "a read without the policy", () -> anonymous.read("open/key"));
    }

    /** The emulator's own address, under the service's host name and under none. */
    static void otherWays() throws Exception {
        String address = Kit.emulator.getAuthority();
        EndpointResolver always = new EndpointResolver() {
            @Override
            public String resolveGeneralApiEndpoint(String host) {
                return address;
            }

            @Override
            public String resolveGetServiceApiEndpoint(String host) {
                return address;
            }
        };
        TestBucket bucket = TestBucket.made("other-ways");
        COSClient resolved = Kit.client(Kit.OWNED, config -> {
            config.setHttpProxyIp(null);
            config.setEndpointResolver(always);
        });
        new TestBucket(resolved, bucket.name()).put("key", "content");
        bucket.holds("key", "content");
        Kit.same(resolved.listBuckets().isEmpty(), false, "the buckets by address");

        COSClient named = Kit.client(Kit.OWNED, config -> {
            config.setHttpProxyIp(null);
            config.setEndpointBuilder(new UserSpecifiedEndpointBuilder(address, address));
        });
        TestBucket demo = new TestBucket(named, "demo-" + Kit.APPID);
        demo.put("java-other-way", "content");
        new TestBucket(bucket.client(), demo.name()).holds("java-other-way", "content");
        Kit.same(named.listBuckets().isEmpty(), false, "the buckets of a host of one's own");
    }
}
