package io.commslib.http.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import io.commslib.core.Failures;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.checks.Checks;
import io.commslib.core.lifecycle.LifecycleComponent;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import io.commslib.core.tls.TlsIdentity;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Runs routes on the JDK's server, as a component of a {@link
 * io.commslib.core.lifecycle.Lifecycle}. It answers whether the process lives and whether it takes
 * requests. Neither depends on other services: a remote that fails must not remove all instances of
 * this one. Thread-safe.
 */
public final class HttpServerComponent implements LifecycleComponent {

  /** Threads beyond the bound of requests, which answer health and refusals. */
  private static final int RESERVE_THREADS = 32;

  private static final int BACKLOG = 1_024;

  private final String name;
  private final HttpRoutes routes;
  private final CommsRuntime runtime;
  private final InetSocketAddress address;
  private final @Nullable Executor executor;
  private final @Nullable TlsIdentity tls;
  private final ClientCertificate clientCertificate;
  private final HealthAnswers health;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile LifecycleState state = LifecycleState.NEW;
  private volatile @Nullable HttpServer server;
  private @Nullable Workers workers;

  private HttpServerComponent(Builder from) {
    this.name = "http-" + from.name;
    this.routes = from.routes;
    this.runtime = from.runtime;
    this.address = new InetSocketAddress(from.host, from.port);
    this.executor = from.executor;
    this.tls = from.tls;
    this.clientCertificate = from.clientCertificate;
    this.health =
        new HealthAnswers(from.livePath, from.readyPath, () -> state == LifecycleState.RUNNING);
  }

  /**
   * Starts the configuration of a server.
   *
   * @param name shown after {@code http-} in health, logs and names of threads, so that a
   *     subscription may have the same one; 1 to 64 printable ASCII characters
   * @param routes the routes to serve, of this server only
   * @param runtime outlives the server
   * @return a builder
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public static Builder builder(String name, HttpRoutes routes, CommsRuntime runtime) {
    return new Builder(name, routes, runtime);
  }

  /** {@return the name, after {@code http-}} */
  @Override
  public String name() {
    return name;
  }

  /**
   * Listens. Sets {@code sun.net.httpserver.nodelay} and {@code sun.net.httpserver.maxReqTime} of
   * the JVM unless they are set: the JDK's server reads them once, with its first use.
   *
   * @throws HttpServerException {@code COMMS-HTTP-115} if the port can't be listened on
   * @throws IllegalStateException if it was started or closed before
   */
  @Override
  public void start() {
    lock.lock();
    try {
      if (state != LifecycleState.NEW) {
        throw new IllegalStateException("state: " + state + " (expected: NEW)");
      }
      listen();
    } finally {
      lock.unlock();
    }
  }

  private void listen() {
    try {
      JdkServerProperties.set(routes.maxTimeout());
      HttpServer created = create();
      Executor threads = executor;
      if (threads == null) {
        workers = runtime.newWorkers(name, routes.maxInFlight() + RESERVE_THREADS);
        threads = workers;
      }
      created.setExecutor(threads);
      created.createContext("/", this::handle);
      created.start();
      server = created;
      state = LifecycleState.RUNNING;
    } catch (IOException | RuntimeException e) {
      closeLocked();
      throw new HttpServerException("can't listen on " + address + ": " + Failures.text(e), e);
    }
  }

  private HttpServer create() throws IOException {
    if (tls == null) {
      return HttpServer.create(address, BACKLOG);
    }
    HttpsServer secured = HttpsServer.create(address, BACKLOG);
    secured.setHttpsConfigurator(new ServerTls(tls.sslContext(), clientCertificate));
    return secured;
  }

  private void handle(HttpExchange exchange) throws IOException {
    if (!health.answer(exchange)) {
      routes.handle(exchange);
    }
  }

  /**
   * Returns the port on which the server listens.
   *
   * @return the port
   * @throws IllegalStateException if it does not listen
   */
  public int port() {
    HttpServer running = server;
    if (running == null) {
      throw new IllegalStateException("state: " + state + " (expected: RUNNING)");
    }
    return running.getAddress().getPort();
  }

  /**
   * Reports that the service is not ready, answers further requests with 503, and ends connections
   * with their next answer. Returns at once. Idempotent.
   */
  @Override
  public void stopIntake() {
    lock.lock();
    try {
      if (state == LifecycleState.RUNNING) {
        state = LifecycleState.DRAINING;
      }
    } finally {
      lock.unlock();
    }
    routes.stopIntake();
  }

  /**
   * Stops the intake and waits for the requests in flight.
   *
   * @param timeout maximum wait
   * @return whether all have their answers
   */
  @Override
  public boolean drain(Duration timeout) {
    stopIntake();
    return routes.drain(timeout);
  }

  /**
   * Interrupts the requests in flight, ends all connections and frees the port. After a drain has
   * begun, the port is freed first and requests on open connections still get 503, until none has
   * arrived for 20 ms, for at most 500 ms. Blocks for up to two seconds then. Idempotent.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      closeLocked();
    } finally {
      lock.unlock();
    }
  }

  private void closeLocked() {
    boolean isDraining = state == LifecycleState.DRAINING;
    state = LifecycleState.CLOSED;
    HttpServer running = server;
    server = null;
    if (running != null && isDraining) {
      GentleStop.stop(running, routes, runtime);
    }
    routes.interrupt();
    if (running != null && !isDraining) {
      running.stop(0);
    }
    Workers own = workers;
    workers = null;
    if (own != null) {
      own.close();
    }
  }

  /** {@return up while requests are taken, with the figures of the requests} */
  @Override
  public Health health() {
    Map<String, String> details = new TreeMap<>();
    details.put("inFlight", Integer.toString(routes.inFlight()));
    details.put("refused", Long.toString(routes.refused()));
    details.put("overruns", Long.toString(routes.overruns()));
    routes.limit().ifPresent(limit -> details.put("limit", Integer.toString(limit)));
    LifecycleState now = state;
    return now == LifecycleState.RUNNING
        ? Health.of(Health.Status.UP, "", details)
        : Health.of(Health.Status.DOWN, "state: " + now, details);
  }

  /** Builds a server. Mutable; confined to one thread. */
  public static final class Builder {
    private static final Pattern PATH = Pattern.compile("(?:/[A-Za-z0-9._~-]+)+");
    private static final String PATH_RULE = "a path of letters, digits and . _ ~ -";

    private final String name;
    private final HttpRoutes routes;
    private final CommsRuntime runtime;
    private @Nullable Executor executor;
    private @Nullable TlsIdentity tls;
    private ClientCertificate clientCertificate = ClientCertificate.NONE;
    private String host = "0.0.0.0";
    private int port;
    private String livePath = "/health/live";
    private String readyPath = "/health/ready";

    private Builder(String name, HttpRoutes routes, CommsRuntime runtime) {
      this.name = Checks.printable("name", name, 64);
      this.routes = Objects.requireNonNull(routes, "routes");
      this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * Sets the port.
     *
     * @param port 0 to 65,535; default 0, a free port
     * @return this builder
     * @throws IllegalArgumentException if out of range
     */
    public Builder port(int port) {
      this.port = Checks.inRange("port", port, 0, 65_535);
      return this;
    }

    /**
     * Sets the address on which the server listens.
     *
     * @param host a name or an address of this machine; default all addresses
     * @return this builder
     * @throws IllegalArgumentException if it is no name
     */
    public Builder host(String host) {
      this.host = Checks.printable("host", host, 255);
      return this;
    }

    /**
     * Sets TLS with the certificate of this process. Each new connection uses the current files of
     * the identity; an open one keeps what it began with.
     *
     * @param identity outlives the server; default none, without TLS
     * @param clients whether a caller must have a certificate of an authority that the identity
     *     trusts; {@link RouteRequest#peer()} states whose it is
     * @return this builder
     */
    public Builder tls(TlsIdentity identity, ClientCertificate clients) {
      this.tls = Objects.requireNonNull(identity, "identity");
      this.clientCertificate = Objects.requireNonNull(clients, "clients");
      return this;
    }

    /**
     * Sets the threads of the handlers. They are not closed with the server.
     *
     * @param executor runs each task on a thread of its own, for example virtual threads; default
     *     threads of the runtime, 32 more than the bound of requests in flight
     * @return this builder
     */
    public Builder executor(Executor executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Sets the path that answers 200 as long as the process answers at all.
     *
     * @param livePath a path; default {@code /health/live}
     * @return this builder
     * @throws IllegalArgumentException if it is no path
     */
    public Builder livePath(String livePath) {
      this.livePath = Checks.matches("livePath", livePath, PATH, PATH_RULE);
      return this;
    }

    /**
     * Sets the path that answers 200 while requests are taken, and 503 from the beginning of a
     * drain.
     *
     * @param readyPath a path; default {@code /health/ready}
     * @return this builder
     * @throws IllegalArgumentException if it is no path
     */
    public Builder readyPath(String readyPath) {
      this.readyPath = Checks.matches("readyPath", readyPath, PATH, PATH_RULE);
      return this;
    }

    /**
     * Builds the server, which does not listen yet.
     *
     * @return the server
     * @throws IllegalArgumentException if both paths of health are equal
     */
    public HttpServerComponent build() {
      Checks.check(!livePath.equals(readyPath), "readyPath", readyPath, "not the livePath");
      return new HttpServerComponent(this);
    }
  }
}
