package io.commslib.http;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.RetryPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Calls with short waits between attempts, and servers that end with the test. */
final class HttpFixture implements AutoCloseable {

  private final SystemRuntime runtime = SystemRuntime.create();

  final Resilience resilience =
      Resilience.builder(runtime).defaults(policy(Duration.ofSeconds(5))).build();

  private final List<AutoCloseable> servers = new ArrayList<>();

  static CallPolicy policy(Duration attempt) {
    return CallPolicy.builder()
        .deadline(Duration.ofSeconds(10))
        .attemptTimeout(attempt)
        .retry(
            RetryPolicy.defaults()
                .withBackoff(Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(5))))
        .build();
  }

  StubServer stub(StubServer.Script script) throws IOException {
    StubServer server = new StubServer(script);
    servers.add(server);
    return server;
  }

  RawServer raw(RawServer.Script script) throws IOException {
    RawServer server = new RawServer(script);
    servers.add(server);
    return server;
  }

  @Override
  public void close() throws Exception {
    for (AutoCloseable server : servers) {
      server.close();
    }
    resilience.close();
    runtime.close();
  }
}
