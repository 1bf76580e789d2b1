package io.commslib.http;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.http.HttpClient;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The methods that end a client, which it has from Java 21 on; before, they do nothing. */
final class ClientLifecycle {

  private static final @Nullable MethodHandle CLOSE = find("close", void.class);
  private static final @Nullable MethodHandle SHUTDOWN = find("shutdown", void.class);
  private static final @Nullable MethodHandle SHUTDOWN_NOW = find("shutdownNow", void.class);
  private static final @Nullable MethodHandle IS_TERMINATED = find("isTerminated", boolean.class);
  private static final @Nullable MethodHandle AWAIT =
      find("awaitTermination", boolean.class, Duration.class);

  private ClientLifecycle() {}

  private static @Nullable MethodHandle find(String name, Class<?> result, Class<?>... parameters) {
    try {
      return MethodHandles.publicLookup()
          .findVirtual(HttpClient.class, name, MethodType.methodType(result, parameters));
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }

  static void close(HttpClient client) {
    run(CLOSE, client);
  }

  static void shutdown(HttpClient client) {
    run(SHUTDOWN, client);
  }

  static void shutdownNow(HttpClient client) {
    run(SHUTDOWN_NOW, client);
  }

  static boolean isTerminated(HttpClient client) {
    return IS_TERMINATED != null && (boolean) call(IS_TERMINATED, client);
  }

  static boolean awaitTermination(HttpClient client, Duration duration)
      throws InterruptedException {
    try {
      return AWAIT != null && (boolean) AWAIT.invoke(client, duration);
    } catch (InterruptedException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static void run(@Nullable MethodHandle method, HttpClient client) {
    if (method != null) {
      var unused = call(method, client);
    }
  }

  private static @Nullable Object call(MethodHandle method, HttpClient client) {
    try {
      return method.invoke(client);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
