package io.commslib.core.tls;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.function.Supplier;
import javax.net.ssl.SSLSocketFactory;

/** Makes each socket by the factory of the current material; clients keep a factory for years. */
final class CurrentSocketFactory extends SSLSocketFactory {

  private final Supplier<SSLSocketFactory> current;

  CurrentSocketFactory(Supplier<SSLSocketFactory> current) {
    this.current = current;
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return current.get().getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return current.get().getSupportedCipherSuites();
  }

  @Override
  public Socket createSocket() throws IOException {
    return current.get().createSocket();
  }

  @Override
  public Socket createSocket(Socket over, String host, int port, boolean autoClose)
      throws IOException {
    return current.get().createSocket(over, host, port, autoClose);
  }

  @Override
  public Socket createSocket(Socket over, InputStream consumed, boolean autoClose)
      throws IOException {
    return current.get().createSocket(over, consumed, autoClose);
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return current.get().createSocket(host, port);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort)
      throws IOException {
    return current.get().createSocket(host, port, local, localPort);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return current.get().createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
      throws IOException {
    return current.get().createSocket(host, port, local, localPort);
  }
}
