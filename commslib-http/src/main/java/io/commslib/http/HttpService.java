package io.commslib.http;

import io.commslib.core.call.CallTarget;
import io.commslib.core.checks.Checks;
import io.commslib.core.codec.Codec;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.resilience.EndpointPool;
import io.commslib.resilience.Guard;
import io.commslib.resilience.Resilience;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A remote service that is called over HTTP. Each call runs on the thread of its caller, under the
 * guard of the service's name and one deadline, which includes the last byte of the answer and
 * travels in the request. Redirects are not followed: a credential or a key never reaches another
 * origin. Thread-safe.
 *
 * <pre>{@code
 * HttpService prices = HttpService.builder("pricing", uri).codec(json).build(resilience);
 * Price price = prices.get("/prices/{article}", article).as(Price.class);
 * prices.post("/charges").key(orderId).body(charge).send();
 * }</pre>
 */
public final class HttpService {

  /** The default maximum number of bytes of an answer. */
  public static final int DEFAULT_MAX_ANSWER_BYTES = 8 * 1024 * 1024;

  private static final int MAX_TEMPLATES = 1_000;

  private final Guard guard;
  private final EndpointPool<URI> endpoints;
  private final ServiceClient client;
  private final HttpOutcomes outcomes;
  private final RandomGenerator random;
  private final ServiceTransport transport = new ServiceTransport(this);
  private final @Nullable Codec codec;
  private final @Nullable CredentialSource credentials;
  private final Map<String, String> headers;
  private final String timeoutHeader;
  private final int maxAnswerBytes;
  private final Duration streamIdleTime;
  private final Duration streamTime;
  private final Map<String, UriTemplate> templates = new java.util.concurrent.ConcurrentHashMap<>();

  private HttpService(Builder from, Resilience resilience) {
    this.guard = resilience.guard(from.name);
    this.endpoints = Addresses.pool(from.name, from.endpoints, from.subsets, resilience.runtime());
    this.client = from.client == null ? ServiceClient.own(from.tls) : ServiceClient.of(from.client);
    this.outcomes = new HttpOutcomes(resilience.runtime().time());
    this.random = resilience.runtime().random();
    this.codec = from.codec;
    this.credentials = from.credentials;
    this.headers = Map.copyOf(from.headers);
    this.timeoutHeader = from.timeoutHeader;
    this.maxAnswerBytes = from.maxAnswerBytes;
    this.streamIdleTime = from.streamIdleTime;
    this.streamTime = from.streamTime;
  }

  /**
   * Starts a service.
   *
   * @param name the name of the service, of which {@link Resilience} has one guard, 1 to 128
   *     printable ASCII characters
   * @param base scheme, host, port and perhaps a path in front of all templates
   * @return a builder
   * @throws IllegalArgumentException if a value breaks its rule
   */
  public static Builder builder(String name, URI base) {
    return builder(name, Endpoints.of(List.of(Addresses.checked(base))));
  }

  /**
   * Starts a service of several instances. Each attempt goes to one of them, the less loaded of two
   * chosen at random; a repeated attempt avoids the instance of the one before. An instance that
   * fails five times in a row is left out for 5 s, and longer each time.
   *
   * @param name the name of the service, of which {@link Resilience} has one guard for all
   *     instances, 1 to 128 printable ASCII characters
   * @param endpoints the addresses of the instances
   * @return a builder
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public static Builder builder(String name, Endpoints endpoints) {
    return new Builder(name, endpoints);
  }

  /**
   * Starts a GET, which is {@code SAFE}.
   *
   * @param template path and query with variables, for example {@code /prices/{article}}
   * @param values the values of the variables, in order; each is encoded
   * @return the call
   * @throws IllegalArgumentException if template or values break a rule
   */
  public ServiceCall get(String template, Object... values) {
    return call("GET", template, values);
  }

  /**
   * Starts a POST, which is {@code NON_IDEMPOTENT} unless {@link ServiceCall#keyed()} is set.
   *
   * @param template path and query with variables
   * @param values the values of the variables, in order
   * @return the call
   * @throws IllegalArgumentException if template or values break a rule
   */
  public ServiceCall post(String template, Object... values) {
    return call("POST", template, values);
  }

  /**
   * Starts a PUT, which is {@code IDEMPOTENT}.
   *
   * @param template path and query with variables
   * @param values the values of the variables, in order
   * @return the call
   * @throws IllegalArgumentException if template or values break a rule
   */
  public ServiceCall put(String template, Object... values) {
    return call("PUT", template, values);
  }

  /**
   * Starts a DELETE, which is {@code IDEMPOTENT}.
   *
   * @param template path and query with variables
   * @param values the values of the variables, in order
   * @return the call
   * @throws IllegalArgumentException if template or values break a rule
   */
  public ServiceCall delete(String template, Object... values) {
    return call("DELETE", template, values);
  }

  /**
   * Starts a call of any method. Its idempotency is {@code SAFE} for GET, HEAD, OPTIONS and TRACE,
   * {@code IDEMPOTENT} for PUT and DELETE, and {@code NON_IDEMPOTENT} for all others.
   *
   * @param method the method, in capital letters
   * @param template path and query with variables
   * @param values the values of the variables, in order
   * @return the call
   * @throws IllegalArgumentException if an argument breaks its rule
   */
  public ServiceCall call(String method, String template, Object... values) {
    HttpMethods.check(method);
    UriTemplate parsed = template(template);
    return new ServiceCall(this, method, parsed, parsed.expand(values));
  }

  private UriTemplate template(String text) {
    UriTemplate known = templates.get(text);
    if (known != null) {
      return known;
    }
    UriTemplate parsed = UriTemplate.parse(text);
    if (templates.size() < MAX_TEMPLATES) {
      templates.put(text, parsed);
    }
    return parsed;
  }

  /**
   * Returns an implementation of an interface whose methods have {@link HttpCall}. It is checked
   * here, not at the first call.
   *
   * @param <T> type of the client
   * @param type the interface
   * @return the client, thread-safe
   * @throws IllegalArgumentException if a method breaks a rule; the text names it
   */
  public <T> T client(Class<T> type) {
    return TypedClient.create(this, type);
  }

  /** {@return the guard of this service} */
  public Guard guard() {
    return guard;
  }

  /** The instances, one of which the engine chooses for each attempt. */
  EndpointPool<URI> endpoints() {
    return endpoints;
  }

  ServiceClient http() {
    return client;
  }

  HttpOutcomes outcomes() {
    return outcomes;
  }

  /** The id of a call of this method, or null if each of its attempts is sent once. */
  @Nullable String callId(String method) {
    return HttpMethods.callId(method, random);
  }

  ServiceTransport transport() {
    return transport;
  }

  @Nullable Codec codec() {
    return codec;
  }

  @Nullable CredentialSource credentials() {
    return credentials;
  }

  Map<String, String> headers() {
    return headers;
  }

  String timeoutHeader() {
    return timeoutHeader;
  }

  int maxAnswerBytes() {
    return maxAnswerBytes;
  }

  Duration streamIdleTime() {
    return streamIdleTime;
  }

  Duration streamTime() {
    return streamTime;
  }

  /** {@return name and address, for log lines} */
  @Override
  public String toString() {
    List<URI> all = endpoints.endpoints();
    return "HttpService{"
        + guard.service()
        + ", "
        + all.get(0)
        + (all.size() == 1 ? "" : " and " + (all.size() - 1) + " more")
        + "}";
  }

  /** Builds a service. Mutable; confined to one thread. */
  public static final class Builder {

    private final String name;
    private final Endpoints endpoints;
    private final Map<String, Endpoints> subsets = new TreeMap<>();
    private final Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    private @Nullable HttpClient client;
    private @Nullable TlsIdentity tls;
    private @Nullable Codec codec;
    private @Nullable CredentialSource credentials;
    private String timeoutHeader = CallHeaders.TIMEOUT;
    private int maxAnswerBytes = DEFAULT_MAX_ANSWER_BYTES;
    private Duration streamIdleTime = Duration.ofSeconds(10);
    private Duration streamTime = Duration.ofSeconds(60);

    private Builder(String name, Endpoints endpoints) {
      this.name = Checks.printable("name", name, CallTarget.MAX_NAME_CHARS);
      this.endpoints = Objects.requireNonNull(endpoints, "endpoints");
    }

    /**
     * Sets the instances of a subset, to which a split or a mirror of the guard's policy sends
     * attempts or copies.
     *
     * @param subset the name of the subset; by default there are none, attempts to a subset without
     *     instances of its own go to those of the service, and copies are dropped
     * @param addresses the addresses of its instances
     * @return this builder
     * @throws IllegalArgumentException if the name breaks its rule, or there are more than 64
     */
    public Builder subset(String subset, Endpoints addresses) {
      Checks.printable("subset", subset, CallTarget.MAX_NAME_CHARS);
      subsets.put(subset, Objects.requireNonNull(addresses, "addresses"));
      Checks.inRange("subsets", subsets.size(), 1, EndpointPool.MAX_SUBSETS);
      return this;
    }

    /**
     * Sets the codec of typed bodies and answers.
     *
     * @param codec the codec; default none, then bodies are bytes
     * @return this builder
     */
    public Builder codec(Codec codec) {
      this.codec = Objects.requireNonNull(codec, "codec");
      return this;
    }

    /**
     * Sets the client, for example one with a proxy. It must not follow redirects, and keeps its
     * own TLS settings.
     *
     * @param client the client, which stays the caller's; default a client of this service alone,
     *     with a connect timeout of 2 s
     * @return this builder
     * @throws IllegalArgumentException if it follows redirects
     */
    public Builder client(HttpClient client) {
      Checks.check(
          client.followRedirects() == HttpClient.Redirect.NEVER,
          "followRedirects",
          client.followRedirects(),
          "NEVER, since a redirect would carry keys and credentials to another origin");
      this.client = client;
      return this;
    }

    /**
     * Sets the certificate of this process and the authorities by which the service is checked.
     * Host names are checked. After a change of the identity each attempt that begins uses new
     * connections. The attempts in flight end on those of before, which then carry no more: on Java
     * 21 and newer they are closed, on older versions the JDK closes them when they have been idle.
     *
     * @param identity outlives the service; default the JVM's trust store and no certificate; not
     *     together with {@link #client}
     * @return this builder
     */
    public Builder tls(TlsIdentity identity) {
      this.tls = Objects.requireNonNull(identity, "identity");
      return this;
    }

    /**
     * Sets the source of the field {@code Authorization}. After an answer of 401 a repeatable call
     * asks it once for a new credential.
     *
     * @param source the source; default none
     * @return this builder
     */
    public Builder credentials(CredentialSource source) {
      this.credentials = Objects.requireNonNull(source, "source");
      return this;
    }

    /**
     * Sets a header field that all requests have.
     *
     * @param header the name; by default there are none; not one that the library sets
     * @param value the value, without control characters
     * @return this builder
     * @throws IllegalArgumentException if name or value break a rule
     */
    public Builder header(String header, String value) {
      headers.put(HeaderRules.checkName(header), HeaderRules.checkValue(header, value));
      return this;
    }

    /**
     * Sets the name of the header field with the time that the caller still waits.
     *
     * @param header the name; default {@value CallHeaders#TIMEOUT}
     * @return this builder
     * @throws IllegalArgumentException if the name breaks a rule
     */
    public Builder timeoutHeader(String header) {
      this.timeoutHeader = HeaderRules.checkName(header);
      return this;
    }

    /**
     * Sets the maximum size of an answer. The connection of a larger one is closed.
     *
     * @param bytes 1 to 1,073,741,824, default {@value #DEFAULT_MAX_ANSWER_BYTES}
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder maxAnswerBytes(int bytes) {
      this.maxAnswerBytes = Checks.inRange("maxAnswerBytes", bytes, 1, 1 << 30);
      return this;
    }

    /**
     * Sets the maximum time of one wait within a streamed answer: for its head, and for each
     * further byte while the reader reads.
     *
     * @param time 10 ms to 10 min, default 10 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder streamIdleTime(Duration time) {
      this.streamIdleTime =
          Checks.inRange("streamIdleTime", time, Duration.ofMillis(10), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets the maximum time of a call with a streamed answer, from its beginning until its reader
     * has returned. It takes the place of deadline and attempt timeout of the guard's policy. An
     * earlier deadline of the current context counts all the same.
     *
     * @param time 10 ms to 24 h, default 60 s
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder streamTime(Duration time) {
      this.streamTime =
          Checks.inRange("streamTime", time, Duration.ofMillis(10), Duration.ofHours(24));
      return this;
    }

    /**
     * Builds the service.
     *
     * @param resilience the calls of the process
     * @return the service
     * @throws IllegalArgumentException if the endpoints have no address or one that breaks a rule,
     *     or if both {@code tls} and {@code client} are set
     */
    public HttpService build(Resilience resilience) {
      Checks.check(
          tls == null || client == null, "tls", "set", "not set with client, which has its own");
      return new HttpService(this, resilience);
    }
  }
}
