package io.commslib.http;

import io.commslib.core.tls.TlsIdentity;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The client of a service. The JDK's client can't drop its pooled connections, so after a change of
 * the identity another client takes its place, and it ends with the last exchange that it has
 * begun. Thread-safe.
 */
final class ServiceClient {

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

  private final @Nullable TlsIdentity identity;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Lease current;

  /** A client with the number of its exchanges, and whether it is replaced. */
  private static final class Lease {
    private static final int REPLACED = 1 << 30;

    private final HttpClient client;
    private final long generation;
    private final AtomicInteger users = new AtomicInteger();

    Lease(HttpClient client, long generation) {
      this.client = client;
      this.generation = generation;
    }

    /** Whether an exchange may begin on this client. */
    boolean enter() {
      if (users.getAndIncrement() < REPLACED) {
        return true;
      }
      leave();
      return false;
    }

    void leave() {
      if (users.decrementAndGet() == REPLACED) {
        ClientLifecycle.shutdown(client);
      }
    }

    /** Ends the client, which finishes the exchanges that have begun. */
    void replaced() {
      if (users.addAndGet(REPLACED) == REPLACED) {
        ClientLifecycle.shutdown(client);
      }
    }
  }

  private ServiceClient(@Nullable TlsIdentity identity, Lease first) {
    this.identity = identity;
    this.current = first;
  }

  /** A client of the user, which is never replaced. */
  static ServiceClient of(HttpClient client) {
    return new ServiceClient(null, new Lease(client, 0));
  }

  /** A client of the library. */
  static ServiceClient own(@Nullable TlsIdentity identity) {
    return new ServiceClient(identity, lease(identity));
  }

  private static Lease lease(@Nullable TlsIdentity identity) {
    HttpClient.Builder client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER);
    if (identity == null) {
      return new Lease(client.build(), 0);
    }
    // Before the context: a change in between replaces the client once more.
    long generation = identity.generation();
    return new Lease(client.sslContext(identity.sslContext()).build(), generation);
  }

  /** As of the JDK's client. */
  <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> body)
      throws IOException, InterruptedException {
    Lease lease = entered();
    try {
      return lease.client.send(request, body);
    } finally {
      lease.leave();
    }
  }

  /** As of the JDK's client. */
  <T> CompletableFuture<HttpResponse<T>> sendAsync(HttpRequest request, BodyHandler<T> body) {
    Lease lease = entered();
    try {
      return lease.client.sendAsync(request, body);
    } finally {
      // A client that is shut down finishes what it has taken.
      lease.leave();
    }
  }

  private Lease entered() {
    Lease lease = newest();
    while (!lease.enter()) {
      lease = newest();
    }
    return lease;
  }

  private Lease newest() {
    Lease lease = current;
    return identity == null || identity.generation() == lease.generation
        ? lease
        : replace(identity);
  }

  private Lease replace(TlsIdentity changed) {
    lock.lock();
    try {
      Lease before = current;
      if (before.generation == changed.generation()) {
        return before;
      }
      Lease next = lease(changed);
      current = next;
      before.replaced();
      return next;
    } finally {
      lock.unlock();
    }
  }
}
