package io.commslib.grpc;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;

/** Names of a test whose addresses it changes: the target {@code static-<n>:///stock}. */
final class StaticResolver extends NameResolverProvider implements AutoCloseable {

  private final String scheme = "static-" + System.nanoTime();
  private final Set<Resolver> resolvers = new CopyOnWriteArraySet<>();
  private volatile List<Integer> ports;

  StaticResolver(Integer... ports) {
    this.ports = Arrays.asList(ports);
    NameResolverRegistry.getDefaultRegistry().register(this);
  }

  String target() {
    return scheme + ":///stock";
  }

  void ports(Integer... next) {
    ports = Arrays.asList(next);
    resolvers.forEach(Resolver::report);
  }

  private final class Resolver extends NameResolver {
    private volatile Listener2 listener;

    @Override
    public String getServiceAuthority() {
      return "stock";
    }

    @Override
    public void start(Listener2 to) {
      listener = to;
      resolvers.add(this);
      report();
    }

    @Override
    public void refresh() {
      report();
    }

    void report() {
      List<EquivalentAddressGroup> groups =
          ports.stream()
              .map(port -> new EquivalentAddressGroup(new InetSocketAddress("127.0.0.1", port)))
              .toList();
      listener.onResult(
          ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build());
    }

    @Override
    public void shutdown() {
      resolvers.remove(this);
    }
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    return scheme.equals(target.getScheme()) ? new Resolver() : null;
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
