package io.commslib.benchmarks.grpc;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A name with the addresses of some servers of this process. */
final class FixedNames extends NameResolverProvider implements AutoCloseable {

  private final String scheme = "fixed-" + System.nanoTime();
  private final List<Integer> ports;

  FixedNames(List<Integer> ports) {
    this.ports = ports;
    NameResolverRegistry.getDefaultRegistry().register(this);
  }

  String target() {
    return scheme + ":///backends";
  }

  @Override
  public @Nullable NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return scheme.equals(target.getScheme()) ? new Fixed() : null;
  }

  private final class Fixed extends NameResolver {
    @Override
    public String getServiceAuthority() {
      return "backends";
    }

    @Override
    public void start(Listener2 listener) {
      listener.onResult(
          ResolutionResult.newBuilder()
              .setAddressesOrError(
                  StatusOr.fromValue(
                      ports.stream()
                          .map(port -> new InetSocketAddress("127.0.0.1", port))
                          .map(EquivalentAddressGroup::new)
                          .toList()))
              .build());
    }

    @Override
    public void shutdown() {
      // Nothing runs.
    }
  }

  @Override
  public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
    return List.of(InetSocketAddress.class);
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 5;
  }

  @Override
  public String getDefaultScheme() {
    return scheme;
  }

  @Override
  public void close() {
    NameResolverRegistry.getDefaultRegistry().deregister(this);
  }
}
