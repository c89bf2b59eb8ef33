# any program that goes by these: the server is its proxy, and its CA is trusted; real host names and https work as they are
export http_proxy=http://@addr@ https_proxy=http://@addr@ HTTP_PROXY=http://@addr@ HTTPS_PROXY=http://@addr@
unset no_proxy NO_PROXY all_proxy ALL_PROXY
cos-emu ca --listen @addr@ >cos-emu-ca.pem
export SSL_CERT_FILE="$PWD/cos-emu-ca.pem" REQUESTS_CA_BUNDLE="$PWD/cos-emu-ca.pem"
export CURL_CA_BUNDLE="$PWD/cos-emu-ca.pem" NODE_EXTRA_CA_CERTS="$PWD/cos-emu-ca.pem"
